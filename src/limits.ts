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
  /** Candidates one client may trickle: a laptop with VPNs sends under 30. */
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
  /** What closing the server waits for sockets and requests to end by themselves. */
  serverCloseGraceMs: 500,
  /** A WHEP answer waits this long for local candidates; the mux has them at once. */
  whepGatherTimeoutMs: 500,
  /** WebSocket bytes waiting for a slow reader before it is dropped. */
  socketBacklogMaxBytes: 1024 * 1024,
  /** An offer that never becomes a connection. */
  connectTimeoutMs: 10_000,
  /** RFC 7675: consent expires; then the peer counts as gone. */
  consentTimeoutMs: 15_000,
  /** How long a session whose peer is gone waits for `resume`; the default of `--resume-grace`. */
  resumeGraceMs: 60_000,
  /** How long a session without a viewer goes on computing: a reconnection takes less, and finds no gap. */
  unwatchedMs: 2_000,
  /** Sessions at once; the default of `--max-sessions`. */
  sessionsMax: 16,
  /** Clip length asked for. */
  clipSecondsMin: 1,
  clipSecondsMax: 30,
  /** Media a pacer may hold before it drops: more than this is latency, not safety. */
  pacerQueueMaxMs: 400,
  /** Sent packets kept for retransmission: one second at 8 Mbps. */
  rtpHistoryPackets: 1_024,
  /** RTP payload: 1200-byte UDP payload (RFC 8831 6.6 uses the same) less headers, extensions and the SRTP tag. */
  rtpPayloadMaxBytes: 1_120,
} as const;
