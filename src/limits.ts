/** Every limit of the service once, with its unit and reason. Algorithm constants are beside their algorithm. */
export const LIMITS = {
  /** A longer prompt adds nothing the models can use and only costs tokenising. */
  promptMaxChars: 1_000,
  /** Prompts in one list, `a | b | c`: a clip of the longest length changes its prompt about once a second. */
  promptListMax: 32,
  /** Slices of a transition: a slower one no longer looks like a transition. */
  transitionSlicesMax: 8,
  /** Chromium's largest real offers are under 12 kB; some parsers are quadratic in `a=ssrc` lines, ours is linear. */
  sdpMaxBytes: 64 * 1024,
  sdpMaxLines: 600,
  sdpMaxMediaSections: 8,
  sdpMaxSsrcLines: 64,
  /** Formats of one media section: payload types are 0 to 127; Chromium offers 40. */
  sdpMaxFormats: 128,
  /** Format parameters of one payload type; with H.264 parameter sets they are under 1 kB. */
  sdpMaxFmtpChars: 4_096,
  /** Candidates one client may trickle: a laptop with VPNs sends under 30. Those in an offer do not count. */
  candidatesMax: 64,
  candidateMaxBytes: 1_024,
  /** One WebSocket or data-channel message. An offer is the largest legitimate one. */
  messageMaxBytes: 96 * 1024,
  /** A larger WebSocket message closes the socket with 1009, unread. Between the two limits the answer is `error`. */
  messageHardMaxBytes: 1024 * 1024,
  /** Messages of one connection waiting behind the current one; a client's 64 candidates fit. More are refused. */
  messagesPendingMax: 128,
  /** Work in one queue inside the service: frames of an encoder, files to write. Never reached unless something hangs. */
  serialWorkMax: 256,
  /** A WebSocket that has not answered a ping by the next one is dead. */
  socketPingIntervalMs: 10_000,
  /** WebSockets of one user or address: a household behind one address. */
  socketsPerUserMax: 64,
  /** A WebSocket without a session for this long is closed. */
  socketIdleMs: 60_000,
  /** TCP connections at once, all kinds: two thirds of 4,096 descriptors, a typical limit of service managers. */
  connectionsMax: 2_048,
  /** Of these, from one address that is no trusted proxy: some forty browsers behind one address. */
  connectionsPerAddressMax: 256,
  /** Request line and headers together; above it Node answers 431. */
  headersMaxBytes: 16 * 1024,
  /** Deadlines for a request's headers, and for its body; a later request is cut off. */
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 8_000,
  /** Interval of these checks: a slow sender is cut off at most this much later. */
  requestSweepMs: 1_000,
  /** A connection without traffic in either direction, such as a reader that stopped. */
  connectionIdleMs: 30_000,
  /** When a viewer should retry after a server shut down. */
  retryAfterClosingMs: 1_000,
  /** How long a closing server waits for sockets and requests to end by themselves. */
  serverCloseGraceMs: 500,
  /** WebSocket bytes waiting for a slow reader before it is dropped. */
  socketBacklogMaxBytes: 1024 * 1024,
  /** Time for an offer to become a connection. */
  connectTimeoutMs: 10_000,
  /** RFC 7675: when consent expires the peer counts as gone. Checked every second: within 15 s in total. */
  consentTimeoutMs: 13_500,
  /** How long a session whose peer is gone waits for `resume`; the default of `--resume-grace`. */
  resumeGraceMs: 60_000,
  /** How long a session without a viewer continues to compute: a reconnection takes less, and finds no gap. */
  unwatchedMs: 2_000,
  /** Sessions at once; the default of `--max-sessions`. */
  sessionsMax: 16,
  /** Sessions of one user or address at once; the default of `--max-sessions-per-user` outside development. */
  sessionsPerUserMax: 4,
  /** Members of one room at once; the default of `--room-members-max`. Each has a connection; encodes are shared. */
  roomMembersMax: 50,
  /** Rooms of one user at once. */
  roomsPerUserMax: 4,
  /** Sessions one user or address may create in a minute; the default of `--creations-per-minute`. */
  creationsPerMinute: 120,
  /** Messages a second of one WebSocket or session; bursts of four seconds' worth pass. A dragged slider sends 30. */
  messagesPerSecond: 50,
  messagesBurstSeconds: 4,
  /** Prompts a second of one session, bursts of two seconds' worth; above it, only the newest is accepted. */
  promptsPerSecond: 5,
  promptsBurstSeconds: 2,
  /** Prompts that the newest waiting one may replace and answer; more are refused. */
  promptsMergedMax: 256,
  /** Deadline of a product's own prompt filter; without an answer it has failed. */
  promptFilterTimeoutMs: 2_000,
  /** A bearer token; a longer one is refused unread. */
  tokenMaxChars: 4_096,
  /** Allowed clock skew between token issuer and server, seconds. */
  tokenClockToleranceSeconds: 5,
  /** Single-use tokens remembered until they expire. When full, more are refused: a forgotten one could be reused. */
  singleUseTokensMax: 100_000,
  /** Longest lifetime of a single-use token, hours: the longest it must be remembered. */
  singleUseTokenMaxHours: 24,
  /** A server of token keys (JWKS) that takes longer counts as down. */
  jwksTimeoutMs: 3_000,
  /** Pause after its failure: meanwhile, tokens with unknown keys cause no request. */
  jwksRestMs: 5_000,
  /** A session ends this long after its token expires, plus up to 10 s: time for its viewer to get a newer one. */
  tokenExpiredGraceMs: 60_000,
  /** Users and addresses whose score is kept; beyond it, the least recently active is forgotten. */
  abuseKeysMax: 10_000,
  /** Score at which a client is refused; the default of `--abuse-score`. signaling/abuse.ts has the weights. */
  abuseScore: 1_000,
  /** Data channels one client may open; one is used. */
  dataChannelsMax: 4,
  /** Data-channel bytes waiting for a slow client before messages are dropped; a second of statistics is under 1 kB. */
  dataChannelBacklogMaxBytes: 64 * 1024,
  /** Memory budget not for models, MB: Node, encoders, a few connections; the default of `--reserve-memory`. */
  reserveMemoryMb: 192,
  /** Sessions that wait for admission; the default of `--queue-max`. Each holds a connection and an encoder. */
  admissionQueueMax: 8,
  /** Uploads that a session may begin from. */
  inputTypes: ['image/png', 'image/jpeg', 'image/webp', 'video/mp4'],
  /** An uploaded picture: photos of a phone fit. */
  inputImageMaxBytes: 10 * 1024 * 1024,
  /** An uploaded video: 20 s at 12 Mbps. It must arrive within `requestTimeoutMs`. */
  inputVideoMaxBytes: 30 * 1024 * 1024,
  inputVideoMaxSeconds: 20,
  /** Largest sides of a stored upload; larger ones are scaled down. Finished pictures are no larger. */
  inputMaxSidePx: 1_920,
  /** Pixels an upload may declare before anything is decoded. */
  inputMaxPixels: 8_192 * 8_192,
  /** Of one picture of a video: slightly more than 4K. */
  inputVideoMaxPixels: 4_096 * 2_304,
  /** Pictures times pixels of a video: 20 s of 1080p at 30 a second. Decoding then takes seconds, not minutes. */
  inputVideoMaxPixelFrames: 1_300_000_000,
  /** 20 s at 120 a second. */
  inputVideoMaxPictures: 2_400,
  /** Size of an upload after re-encoding. */
  inputResultMaxBytes: 64 * 1024 * 1024,
  /** Memory of the process that decodes one. */
  inputDecodeMemoryBytes: 1024 * 1024 * 1024,
  /** Uploads being received at once, in total and per user: each is held in memory. */
  inputsReadingMax: 8,
  inputsReadingPerUserMax: 2,
  /** How long an unused upload is kept. */
  inputTtlMs: 30 * 60_000,
  /** Uploads kept, per user and in total, and their bytes. */
  inputsPerUserMax: 8,
  inputsMax: 256,
  inputsMaxBytes: 512 * 1024 * 1024,
  /** Encoded loops of finished clips, kept for other viewers of the same clip; ten seconds at 1 Mbps are 1.25 MB. */
  sharedLoopsMaxBytes: 64 * 1024 * 1024,
  /** Uploads decoded at once, and waiting for it; each takes a process. */
  inputsDecodingMax: 2,
  inputsPendingMax: 8,
  /** Deadline for decoding an upload. */
  inputDecodeTimeoutMs: 30_000,
  /** Clip length asked for. */
  clipSecondsMin: 1,
  clipSecondsMax: 30,
  /** Clips that wait to be made for the web; each may take half a minute of compute. */
  clipsWaitingMax: 32,
  /** Of these, and the one being made, those of one user or address, so that one user cannot delay all others. */
  clipsPerUserMax: 8,
  /** Clips kept at once, whatever their size. */
  clipsKeptMax: 1_000,
  /** Pixels of one picture that a camera sends, checked before it is decoded: 1080p, whose height is coded as 1088. */
  cameraMaxPixels: 1_920 * 1_088,
  cameraMaxSidePx: 4_096,
  /** Told to the sender. Far more than pictures of this size need for a generator to follow them. */
  cameraMaxBps: 4_000_000,
  /** One encoded picture of a camera: a keyframe of 1080p at the finest quantiser has about half of it. */
  cameraFrameMaxBytes: 1024 * 1024,
  /** Encoded pictures and bytes that wait for the decoder; above it pictures are dropped up to the next keyframe. */
  cameraDecodingMax: 15,
  cameraDecodingMaxBytes: 4 * 1024 * 1024,
  /** A decoder that has not answered for this long hangs. */
  cameraDecodeTimeoutMs: 5_000,
  /** Keyframes in a row that could not be decoded before the camera is given up. */
  cameraBadKeyframesMax: 5,
  /** Memory of the process that decodes one camera. */
  cameraDecodeMemoryBytes: 1024 * 1024 * 1024,
  /** Received packets that wait for a missing one: over a second at `cameraMaxBps`. */
  cameraWaitingPackets: 1_024,
  cameraWaitingMaxBytes: 2 * 1024 * 1024,
  /** Media a pacer may hold before it drops: more only adds latency. */
  pacerQueueMaxMs: 400,
  /** Sent packets kept for retransmission: one second at 8 Mbps. */
  rtpHistoryPackets: 1_024,
  /** RTP payload: 1200-byte UDP payload (RFC 8831 6.6 uses the same) less headers, extensions and the SRTP tag. */
  rtpPayloadMaxBytes: 1_120,
} as const;
