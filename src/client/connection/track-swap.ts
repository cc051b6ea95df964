/** Replaces the tracks in a stream with those of a new peer connection, without a black moment. */

/**
 * Swaps at the first packet of the new track; until then the old one's last frame stands.
 * @param swapped called right after; the old track's connection can be closed
 */
export function swapTrack(stream: MediaStream, track: MediaStreamTrack, swapped: () => void): void {
  // Sound needs no such care: a new track begins with silence.
  if (track.kind === 'audio') {
    for (const old of stream.getAudioTracks()) stream.removeTrack(old);
    stream.addTrack(track);
    return;
  }
  const swap = () => {
    for (const old of stream.getVideoTracks()) if (old !== track) stream.removeTrack(old);
    stream.addTrack(track);
    swapped();
  };
  if (stream.getVideoTracks().length === 0 || !track.muted) swap();
  else track.addEventListener('unmute', swap, { once: true });
}
