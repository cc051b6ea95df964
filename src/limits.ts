/** Every limit of the service once, with its unit and the reason for its size. Algorithm constants live beside their algorithm. */
export const LIMITS = {
  /** A prompt longer than this adds nothing the models can use and only costs tokenising. */
  promptMaxChars: 1_000,
  /** Prompts in one list, `a | b | c`: a clip of the longest length changes its prompt about once a second. */
  promptListMax: 32,
  /** Slices a transition may last: beyond it a bend no longer reads as one. */
  transitionSlicesMax: 8,
  /** Chromium's largest real offers are under 12 kB; parsing is quadratic in `a=ssrc` lines. */
  sdpMaxBytes: 64 * 1024,
  sdpMaxLines: 600,
  sdpMaxMediaSections: 8,
  sdpMaxSsrcLines: 64,
  /** Formats of one media section: payload types are 0 to 127; Chromium offers 40. */
  sdpMaxFormats: 128,
  /** Format parameters of one payload type; with H.264 parameter sets they are under 1 kB. */
  sdpMaxFmtpChars: 4_096,
  /** Candidates one client may trickle: a laptop with VPNs sends under 30. Those in an offer are not used, and not counted. */
  candidatesMax: 64,
  candidateMaxBytes: 1_024,
  /** One WebSocket or data-channel message. An offer is the largest legitimate one. */
  messageMaxBytes: 96 * 1024,
  /** A WebSocket message past this is not even read: the socket closes with 1009. Between the two an `error` answers it. */
  messageHardMaxBytes: 1024 * 1024,
  /** Messages of one connection waiting for the one in work; a client's 64 candidates fit. More are refused. */
  messagesPendingMax: 128,
  /** A WebSocket that has not answered a ping by the next one is dead. */
  socketPingIntervalMs: 10_000,
  /** WebSockets of one user or address: a household behind one address. */
  socketsPerUserMax: 64,
  /** A WebSocket that has no session by then is closed. */
  socketIdleMs: 60_000,
  /** TCP connections at once, all kinds: two thirds of the 4,096 descriptors a careful service manager gives. */
  connectionsMax: 2_048,
  /** Of these, from one address that is no named proxy: some forty browsers behind one. */
  connectionsPerAddressMax: 256,
  /** Request line and headers together; Node answers 431 beyond. */
  headersMaxBytes: 16 * 1024,
  /** A request whose headers are not whole by then is cut off, and one whose body is not by the second. */
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 8_000,
  /** How often the two are looked at: a slow sender goes at most this much later. */
  requestSweepMs: 1_000,
  /** A connection on which nothing moves, in either direction: also a reader that stopped. */
  connectionIdleMs: 30_000,
  /** When a viewer whom a closing server dismissed should look for another. */
  retryAfterClosingMs: 1_000,
  /** What closing the server waits for sockets and requests to end by themselves. */
  serverCloseGraceMs: 500,
  /** A WHEP answer waits this long for local candidates; the mux has them at once. */
  whepGatherTimeoutMs: 500,
  /** WebSocket bytes waiting for a slow reader before it is dropped. */
  socketBacklogMaxBytes: 1024 * 1024,
  /** An offer that never becomes a connection. */
  connectTimeoutMs: 10_000,
  /** RFC 7675: consent expires; then the peer counts as gone. Looked at every second, so within 15 s of vanishing. */
  consentTimeoutMs: 13_500,
  /** How long a session whose peer is gone waits for `resume`; the default of `--resume-grace`. */
  resumeGraceMs: 60_000,
  /** How long a session without a viewer goes on computing: a reconnection takes less, and finds no gap. */
  unwatchedMs: 2_000,
  /** Sessions at once; the default of `--max-sessions`. */
  sessionsMax: 16,
  /** Sessions of one user or address at once; the default of `--max-sessions-per-user` outside development. */
  sessionsPerUserMax: 4,
  /** Sessions one user or address may create in a minute; the default of `--creations-per-minute`. */
  creationsPerMinute: 120,
  /** Messages a second of one WebSocket or session; bursts of four seconds' worth pass. A dragged slider sends 30. */
  messagesPerSecond: 50,
  messagesBurstSeconds: 4,
  /** Prompts a second of one session, bursts of two seconds' worth; beyond, only the newest is taken. */
  promptsPerSecond: 5,
  promptsBurstSeconds: 2,
  /** Prompts waiting for their turn that the newest one answers for; one more is refused. */
  promptsMergedMax: 256,
  /** A product's own prompt filter that has not answered by then has failed. */
  promptFilterTimeoutMs: 2_000,
  /** A bearer token; a longer one is refused unread. */
  tokenMaxChars: 4_096,
  /** How far the clocks of token issuer and server may differ, seconds. */
  tokenClockToleranceSeconds: 5,
  /** Single-use tokens remembered until they expire. When full, more are refused: forgetting one would let it in again. */
  singleUseTokensMax: 100_000,
  /** Longest life of a single-use token, hours: how long it may have to be remembered. */
  singleUseTokenMaxHours: 24,
  /** A server of token keys (JWKS) that takes longer counts as down. */
  jwksTimeoutMs: 3_000,
  /** One that has failed is not asked again for so long: tokens by unknown keys meanwhile cost no request. */
  jwksRestMs: 5_000,
  /** A session ends so long after its token has expired, and up to ten seconds: time for its viewer to bring a newer one. */
  tokenExpiredGraceMs: 60_000,
  /** Users and addresses whose score is kept; beyond, the one heard of longest ago is forgotten. */
  abuseKeysMax: 10_000,
  /** Score at which a client is refused; the default of `--abuse-score`. signaling/abuse.ts has the weights. */
  abuseScore: 1_000,
  /** Data channels one client may open; one is used. */
  dataChannelsMax: 4,
  /** Data-channel bytes waiting for a slow client before messages are left out; a second of statistics is under 1 kB. */
  dataChannelBacklogMaxBytes: 64 * 1024,
  /** Of the memory budget, MB, not for models; the default of `--reserve-memory`: Node, encoders and connections of a few viewers. */
  reserveMemoryMb: 192,
  /** Sessions that wait for admission; the default of `--queue-max`. Each holds a connection and an encoder. */
  admissionQueueMax: 8,
  /** What may be uploaded for a session to begin from. */
  inputTypes: ['image/png', 'image/jpeg', 'image/webp', 'video/mp4'],
  /** An uploaded picture: those of a phone fit. */
  inputImageMaxBytes: 10 * 1024 * 1024,
  /** An uploaded video: 20 s at 12 Mbps. It must arrive within `requestTimeoutMs`. */
  inputVideoMaxBytes: 30 * 1024 * 1024,
  inputVideoMaxSeconds: 20,
  /** Sides of an upload as it is kept; larger ones are scaled down. The finished pictures are no larger. */
  inputMaxSidePx: 1_920,
  /** Pixels an upload may claim before anything is decoded. */
  inputMaxPixels: 8_192 * 8_192,
  /** Of one picture of a video: 4K and a little. */
  inputVideoMaxPixels: 4_096 * 2_304,
  /** Pictures times pixels of a video: 20 s of 1080p at 30 a second. Decoding takes seconds for it, not minutes. */
  inputVideoMaxPixelFrames: 1_300_000_000,
  /** 20 s at 120 a second. */
  inputVideoMaxPictures: 2_400,
  /** What an upload may become, written anew. */
  inputResultMaxBytes: 64 * 1024 * 1024,
  /** Memory of the process that decodes one. */
  inputDecodeMemoryBytes: 1024 * 1024 * 1024,
  /** Uploads being received at once, together and of one user: each is held in memory. */
  inputsReadingMax: 8,
  inputsReadingPerUserMax: 2,
  /** How long an upload that no session uses is kept. */
  inputTtlMs: 30 * 60_000,
  /** Uploads kept, of one user and together, and their bytes. */
  inputsPerUserMax: 8,
  inputsMax: 256,
  inputsMaxBytes: 512 * 1024 * 1024,
  /** Encoded loops of finished clips kept for other viewers of the same; ten seconds at 1 Mbps are 1.25 MB. */
  sharedLoopsMaxBytes: 64 * 1024 * 1024,
  /** Uploads decoded at once, and waiting for it; each takes a process. */
  inputsDecodingMax: 2,
  inputsPendingMax: 8,
  /** An upload that is not decoded by then is refused. */
  inputDecodeTimeoutMs: 30_000,
  /** Clip length asked for. */
  clipSecondsMin: 1,
  clipSecondsMax: 30,
  /** Clips that wait to be made for the web; each may be half a minute of compute. */
  clipsWaitingMax: 32,
  /** Of these, and the one being made, those of one user or address: nobody's clips keep all others waiting. */
  clipsPerUserMax: 8,
  /** Clips kept at once, whatever their size. */
  clipsKeptMax: 1_000,
  /** Media a pacer may hold before it drops: more than this is latency, not safety. */
  pacerQueueMaxMs: 400,
  /** Sent packets kept for retransmission: one second at 8 Mbps. */
  rtpHistoryPackets: 1_024,
  /** RTP payload: 1200-byte UDP payload (RFC 8831 6.6 uses the same) less headers, extensions and the SRTP tag. */
  rtpPayloadMaxBytes: 1_120,
} as const;
