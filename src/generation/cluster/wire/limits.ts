/** Limits of the wire, each once, with its unit and reason. */
export const WIRE = {
  /** Version of the messages; one version difference works, so that a cluster can be upgraded node by node. */
  version: 1,
  /** NATS allows 1 MiB a message; small ones keep other traffic of the connection moving. */
  chunkMaxBytes: 256 * 1024,
  /** JSON part of a message: a description with 64 examples is the largest legitimate one. */
  headerMaxBytes: 96 * 1024,
  /** Bytes a worker may send beyond what the gateway has taken: 40 ms of a 1 Gbit/s link. */
  windowBytes: 4 * 1024 * 1024,
  /** Frames, latents and sound of one rendition: 8 s of 1080p at 30 a second would be larger, and takes minutes. */
  renditionMaxBytes: 512 * 1024 * 1024,
  /** Latents of one slice, floats: LTX-2 at 1280x704 takes under two million for 121 frames. */
  latentsMax: 4 * 1024 * 1024,
  /** What a job carries with it: three sets of latents at most. */
  jobMaxBytes: 48 * 1024 * 1024,
  /** What all jobs of a worker carry; more are refused. */
  jobsMaxBytes: 512 * 1024 * 1024,
  framesMax: 1_024,
  /** A draft may come again, clearer: once for each denoise step. */
  draftsMax: 100,
  /** Samples of a slice's sound, all channels: a minute and a half of stereo. */
  samplesMax: 8 * 1024 * 1024,
  sideMaxPx: 8_192,
  /** Node, job and lease names. */
  idMaxChars: 64,
  /** Jobs of one gateway that a keep-alive lists. */
  jobsMax: 1_024,
  /** Messages in which a job may report progress; more is a flood. */
  notesMax: 10_000,
} as const;
