"""A WHIP publisher by aiortc: sends pictures of one colour until its standard input ends, then ends its publication.

Usage: aiortc-camera.py WHIP_URL RED GREEN BLUE
"""
import asyncio
import sys
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import numpy
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from av import VideoFrame


class Colour(VideoStreamTrack):
    def __init__(self, colour):
        super().__init__()
        self.pixels = numpy.full((180, 320, 3), colour, numpy.uint8)

    async def recv(self):
        frame = VideoFrame.from_ndarray(self.pixels, format="rgb24")
        frame.pts, frame.time_base = await self.next_timestamp()
        return frame


def ask(url, method, body=None):
    headers = {"Content-Type": "application/sdp"} if body else {}
    return urlopen(Request(url, data=body, headers=headers, method=method), timeout=60)


async def main(url, colour):
    peer = RTCPeerConnection()
    peer.addTransceiver(Colour(colour), direction="sendonly")
    await peer.setLocalDescription(await peer.createOffer())
    answer = await asyncio.to_thread(ask, url, "POST", peer.localDescription.sdp.encode())
    print("answered %d" % answer.status, flush=True)
    publication = urljoin(url, answer.headers["Location"])
    await peer.setRemoteDescription(RTCSessionDescription(answer.read().decode(), "answer"))
    await asyncio.to_thread(sys.stdin.read)
    ended = await asyncio.to_thread(ask, publication, "DELETE")
    print("deleted %d" % ended.status, flush=True)
    await peer.close()


asyncio.run(main(sys.argv[1], [int(part) for part in sys.argv[2:5]]))
