/**
 * Every setting of the service: its type, its default, and one sentence for the help text and the docs that ends with
 * the effect of a change. `config.ts` maps settings to names and sources.
 */
import { z } from 'zod';
import { PROVIDERS } from '../provider.ts';
import { LIMITS } from '../limits.ts';
import { clusterSettings } from './cluster-settings.ts';

const port = z.coerce.number().int().min(0).max(65_535);
/** `true` as a flag without a value, or a word for it in an environment variable. */
const toggle = z.union([z.boolean(), z.stringbool()]).default(false);
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Every description ends with the effect of changing the value. */
export const configSchema = z.object({
  host: z.string().default('127.0.0.1').describe('address HTTP listens on; 0.0.0.0 lets other machines in'),
  port: port.default(8080).describe('HTTP port; 0 picks a free one'),
  tlsCert: z
    .string()
    .optional()
    .describe('certificate chain (PEM); with --tls-key the page and the API are HTTPS and HTTP/2'),
  tlsKey: z.string().optional().describe('private key (PEM) of --tls-cert; both files are read again when they change'),
  drainSeconds: z.coerce
    .number()
    .min(0)
    .max(600)
    .default(10)
    .describe(
      'longest shutdown after SIGTERM, seconds; viewers are notified at once, and what still runs then is cut off',
    ),
  rtcHost: z
    .string()
    .optional()
    .describe(
      'address media listens on; default: --host; where that is loopback, all addresses of this machine, for itself alone',
    ),
  rtcPort: port.default(0).describe('the one UDP port of all media; 0 picks a free one, a fixed one suits a firewall'),
  rtcTcpPort: port
    .optional()
    .describe('TCP port for media, for viewers whose network blocks UDP; default: none, 0 picks a free one'),
  rtcAnnounce: z.string().optional().describe('address the ICE candidate names instead of --rtc-host, behind NAT'),
  generator: z
    .enum(['onnx', 'pattern', 'comfyui', 'cluster'])
    .default('onnx')
    .describe(
      'what makes the pictures; pattern is a test pattern, comfyui another server, cluster the workers of --cluster',
    ),
  model: z
    .string()
    .default('auto')
    .describe('model pack: a name from `glimpse models`, a directory, or auto: the best that this machine holds live'),
  steps: count(1, 100)
    .optional()
    .describe(
      'denoise steps of a model in the diffusers layout; more is finer and slower; default by its scheduler: 2, 4 or 20',
    ),
  provider: z
    .enum(PROVIDERS)
    .default('cpu')
    .describe('what computes a model in the diffusers layout; cuda and webgpu need a device; packs run on the CPU'),
  threads: z
    .union([z.literal('auto'), z.coerce.number().int().min(1).max(64)])
    .default('auto')
    .describe('inference threads; more is faster until encoding starves; auto: as calibrated, else 1'),
  calibrate: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe('measure the model: auto once for each machine and pack, always again, never use defaults instead'),
  size: z
    .string()
    .regex(/^\d+x\d+$/)
    .optional()
    .describe(
      'picture size, px: of --generator pattern (default 640x360), or of a model in the diffusers layout (default: what it was made for)',
    ),
  fps: z.coerce.number().min(1).max(60).default(30).describe('frame rate of --generator pattern, frames a second'),
  mirror: toggle.describe("show the viewer's camera with --generator pattern, from its first picture on"),
  beep: toggle.describe('a flash and a beep once a second with --generator pattern, to hear and measure sound'),
  comfyuiUrl: z
    .string()
    .default('http://127.0.0.1:8188')
    .describe('ComfyUI servers of --generator comfyui, by commas; prompts and pictures go there'),
  workflow: z
    .string()
    .default('t2v-distilled')
    .describe('what ComfyUI runs: a name from docs/comfyui.md, or a mapping file (.json) for any other graph'),
  comfyuiCheckpoint: z
    .string()
    .optional()
    .describe('checkpoint file at the ComfyUI server; a quantised one needs less memory'),
  comfyuiSize: z
    .string()
    .regex(/^\d+x\d+$/)
    .default('1280x704')
    .describe('finished picture of ComfyUI workflows, px, in steps of 64; smaller is faster and needs less memory'),
  comfyuiParameters: z
    .string()
    .optional()
    .describe('JSON file with more parameters of the workflow: frames, steps, LoRAs (docs/comfyui.md)'),
  comfyuiInput: z
    .string()
    .optional()
    .describe('image or video that the i2v, v2v and ic-lora workflows begin from; all viewers share it'),
  encoder: z
    .enum(['auto', 'libav', 'ffmpeg'])
    .default('auto')
    .describe('video encoder; auto takes libav where it loads'),
  cacheMemory: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_048_576)
    .default(128)
    .describe('memory for pictures that are reused, MB; with more, fewer are made twice; 0 turns all caches off'),
  cacheDir: z
    .string()
    .optional()
    .describe(
      'folder that keeps pictures across restarts; default: none, because pictures reveal what viewers asked for',
    ),
  cacheDisk: z.coerce
    .number()
    .int()
    .min(0)
    .max(16_777_216)
    .default(1_024)
    .describe('limit of --cache-dir, MB; the least recently used pictures are removed first'),
  cacheNear: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'how far a prompt may be from an earlier one to start from its picture; 0.13 is about one word: faster, a little less accurate; 0: start from noise',
    ),
  clipsDir: z
    .string()
    .optional()
    .describe('folder for the files of /v1/clips, kept between runs; default: a temporary one, removed at the end'),
  clipsDisk: z.coerce
    .number()
    .int()
    .min(0)
    .max(16_777_216)
    .default(512)
    .describe('limit of --clips-dir, MB; the least recently fetched files are removed first; 0 turns /v1/clips off'),
  resumeGrace: z.coerce
    .number()
    .min(0)
    .max(3_600)
    .default(LIMITS.resumeGraceMs / 1000)
    .describe('how long a session waits for a viewer who has gone, seconds; it keeps its place, but computes nothing'),
  maxSessions: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(LIMITS.sessionsMax)
    .describe('viewers at once; more are refused'),
  iceServers: z
    .string()
    .default('')
    .describe(
      'STUN and TURN URLs for the viewers, comma-separated; a TURN server brings viewers behind strict firewalls',
    ),
  turnSecret: z
    .string()
    .min(16)
    .optional()
    .describe(
      'secret shared with the TURN server (coturn: static-auth-secret); each viewer gets credentials that expire',
    ),
  turnSecretFile: z
    .string()
    .optional()
    .describe('file that holds --turn-secret; other programs can read flags and variables more easily than a file'),
  turnTtlSeconds: z.coerce
    .number()
    .int()
    .min(60)
    .max(86_400)
    .default(3_600)
    .describe(
      'lifetime of these credentials, seconds; a shorter one ends abuse sooner, and also ends relayed streams that run longer',
    ),
  turnUsername: z.string().optional().describe('fixed user of a TURN service without a shared secret'),
  turnCredential: z.string().optional().describe('its password; every viewer can read it'),
  turnCredentialFile: z.string().optional().describe('file that holds --turn-credential'),
  maxSessionsPerUser: count(1, 10_000)
    .optional()
    .describe(
      `viewers at once of one user or address; default ${LIMITS.sessionsPerUserMax}, and no limit of its own in development`,
    ),
  roomMembersMax: count(1, 1_000)
    .default(LIMITS.roomMembersMax)
    .describe('viewers of one room at once; they count as sessions too'),
  creationsPerMinute: count(1, 100_000)
    .default(LIMITS.creationsPerMinute)
    .describe('sessions one user or address may create in a minute; more are refused with the time to wait'),
  messagesPerSecond: count(1, 10_000)
    .default(LIMITS.messagesPerSecond)
    .describe('messages a second of one connection or session; more are refused'),
  promptsPerSecond: count(1, 1_000)
    .default(LIMITS.promptsPerSecond)
    .describe('prompts a second of one session; of more only the newest is taken'),
  abuseScore: count(0, 1_000_000)
    .default(LIMITS.abuseScore)
    .describe('score at which a client is refused (slowed from 30% of it); 0 never; docs/security.md has the weights'),
  authSecret: z
    .string()
    .min(32)
    .optional()
    .describe('secret of HS256 tokens, 32 characters or more; with it every request needs a token'),
  authSecretFile: z
    .string()
    .optional()
    .describe(
      'file that holds --auth-secret, as containers and systemd hand secrets over; its last line end does not count',
    ),
  authJwks: z
    .string()
    .optional()
    .describe('file or https URL of the public keys (JWKS) of EdDSA, ES256 or RS256 tokens; with it tokens are needed'),
  authAudience: z.string().min(1).default('glimpse').describe('audience (aud) a token must name; others are refused'),
  authIssuer: z.string().min(1).optional().describe('issuer (iss) a token must name; default: any that has a key'),
  insecureNoAuth: toggle.describe('serve other machines without tokens; anyone who reaches the port may use it'),
  allowedOrigins: z
    .string()
    .optional()
    .describe(
      'origins of pages that may use the server, with commas, or *; default: any with tokens, without them only this machine',
    ),
  trustedProxies: z
    .string()
    .optional()
    .describe('addresses or networks (10.0.0.0/8) of proxies, with commas; only theirs X-Forwarded-For counts'),
  metricsHost: z
    .string()
    .default('127.0.0.1')
    .describe('address of the metrics port; anyone who reaches it may read it, it takes no tokens'),
  metricsPort: port
    .optional()
    .describe('port of its own for /metrics and /debug; default: the HTTP port in development, elsewhere none'),
  capacity: z.coerce
    .number()
    .min(0.05)
    .max(64)
    .default(0.85)
    .describe(
      "share of the generator's time that viewers may need; a higher share admits more at once, until pictures are late; the rest wait in line",
    ),
  memoryBudget: count(64, 1_000_000)
    .optional()
    .describe(
      'most memory the process should take, MB; at 80% it warns, at 90% it works with one part of the model at a time; default: three quarters of the memory of this machine',
    ),
  reserveMemory: count(0, 1_000_000)
    .default(LIMITS.reserveMemoryMb)
    .describe('part of --memory-budget that is not for model parts, MB: sessions, encoders, caches'),
  variant: z
    .string()
    .default('auto')
    .describe('kind of weights (fp32, fp16-weights, int8) where a pack has several; auto takes the best that fit'),
  warmIdle: count(0, 86_400)
    .default(300)
    .describe(
      'time without a viewer, seconds, after which the model frees most of its memory and the caches all of theirs; 0: never',
    ),
  admissionTier: z
    .enum(['draft', 'base', 'refined', 'upscaled'])
    .default('base')
    .describe(
      'new viewers wait in line if they would push a running one below this tier; a lower tier admits more, with poorer pictures',
    ),
  queueMax: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_000)
    .default(LIMITS.admissionQueueMax)
    .describe('viewers that may wait in line, already connected; more are refused'),
  startBitrate: z.coerce
    .number()
    .int()
    .min(50_000)
    .max(50_000_000)
    .default(600_000)
    .describe('start bitrate, bit/s; if the path carries less, its first second is delayed'),
  ...clusterSettings,
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('lowest severity that is logged'),
});
