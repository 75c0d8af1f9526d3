import { z } from 'zod';
import { webhookSecrets } from './webhook_secrets.ts';

/**
 * Where the embedded Postgres of `npm start` listens, so that every other script finds it. Below 32768: above,
 * Linux takes ports for outgoing connections.
 */
export const EMBEDDED_POSTGRES_PORT = 25432;

const port = z.coerce.number().int().min(1).max(65_535);
const seconds = (max: number) => z.coerce.number().positive().max(max);
const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
const flag = (byDefault: 'true' | 'false') =>
  z
    .enum(['true', 'false'])
    .default(byDefault)
    .transform((text) => text === 'true');
/** What matches a pattern is told by an example. */
const textLike = (example: string, pattern: RegExp) =>
  z
    .string()
    .regex(pattern)
    .meta({ examples: [example] });

const ORIGIN = 'https?:\\/\\/[^\\s\\/,?#@*]+';
/** Origins, comma-separated; one that a browser would never send (a path, a `*`) is refused. */
const origins = textLike(
  'https://app.example.com,https://ops.example.com',
  new RegExp(`^${ORIGIN}(\\s*,\\s*${ORIGIN})*$`, 'i'),
)
  .refine((text) => listOf(text).every(isOrigin))
  .default('http://localhost:5173')
  .transform(listOf);

/** Secrets, comma-separated: several while they are changed for others. */
const secrets = (example: string) =>
  textLike(example, /^\s*[^\s,]{16,}(\s*,\s*[^\s,]{16,})*\s*$/)
    .meta({ secret: true })
    .transform(listOf)
    .optional();

const REPOSITORY_PREFIX = '((https?|ssh):\\/\\/[^\\s,\\/?#]+|file:\\/\\/)(\\/[^\\s,?#]*)?';
/** Beginnings of URLs, comma-separated. */
const repositories = textLike(
  'https://git.example.com/team/,ssh://git@git.example.com/team/app.git',
  new RegExp(`^${REPOSITORY_PREFIX}(\\s*,\\s*${REPOSITORY_PREFIX})*$`),
)
  .refine((text) => listOf(text).every((part) => URL.canParse(part)))
  .transform(listOf)
  .optional();

function listOf(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text.toLowerCase();
}

/**
 * Every environment variable that Errand reads, with what it accepts, its default and what it is for.
 * README's table and .env.example are generated from here (`npm run config-docs`).
 */
export const variables = {
  DATABASE_URL: textLike('postgres://user:password@host:5432/database', /^postgres(ql)?:\/\/\S+$/)
    .optional()
    .describe('Postgres 18 or newer. Without it and without PGHOST: the embedded one of `npm start`'),
  PGHOST: z
    .string()
    .optional()
    .describe("With DATABASE_URL unset, libpq's PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE are used"),
  EMBEDDED_POSTGRES_PORT: port
    .default(EMBEDDED_POSTGRES_PORT)
    .describe('Port of the embedded Postgres, on 127.0.0.1 only'),
  DATABASE_POOL_SIZE: count(2, 500)
    .default(10)
    .describe('Connections per process; of the API those that write'),
  DATABASE_READ_POOL_SIZE: count(1, 500)
    .default(5)
    .describe(
      'Connections of an API process for reads and analytics, which so can not keep submissions waiting',
    ),
  NODE_ENV: z
    .enum(['development', 'production', 'test'])
    .default('development')
    .describe('`production`: JSON logs, and the `example.*` tasks are not registered'),
  SERVER_HOST: z
    .string()
    .min(1)
    .default('0.0.0.0')
    .describe("Address that the API and the runner's probes listen on"),
  SERVER_PORT: port.default(8080).describe('Port of the API'),
  RUNNER_PORT: port
    .optional()
    .describe(
      "Port of the runner's own HTTP. Unset: 8081, or the next free one when several run on one machine",
    ),
  RUNNER_CONCURRENCY: count(1, 1_000).default(10).describe('Attempts that one runner executes at a time'),
  RUNNER_LEASE_SECS: z.coerce
    .number()
    .min(2)
    .max(3_600)
    .default(15)
    .describe('A runner that has not been heard of for so long is presumed dead, and its work taken over'),
  RETENTION_HOURS: z.coerce
    .number()
    .positive()
    .max(87_600)
    .default(24)
    .describe('Finished tasks are deleted after this time, unless their definition says otherwise'),
  AUDIT_RETENTION_DAYS: count(1, 36_500).default(365).describe('For how long it is kept what operators did'),
  REQUEST_TIMEOUT_SECS: seconds(3_600)
    .default(30)
    .describe('After this time a request is answered 408 and its statement cancelled in Postgres'),
  MAX_REQUESTS_IN_FLIGHT: count(1, 100_000)
    .default(1_000)
    .describe('Requests that one API process works on at a time; further ones are answered 503'),
  MAX_STREAMS: count(1, 1_000_000)
    .default(5_000)
    .describe('The same for streams of events and WebSockets, which are not counted among requests'),
  WS_HEARTBEAT_SECS: seconds(3_600)
    .default(30)
    .describe('How often a WebSocket is asked whether somebody is there; who does not answer is cut off'),
  MAX_QUEUE_DEPTH: count(1, 1_000_000)
    .optional()
    .describe('A namespace with more due tasks than this takes no new ones (503). Unset: no limit'),
  BREAKER_OPEN_SECS: seconds(3_600)
    .default(30)
    .describe('After five failures of the database in a row it is left alone for so long (503)'),
  SHUTDOWN_TIMEOUT_SECS: seconds(3_600)
    .default(30)
    .describe('After SIGTERM: how long running attempts and requests may go on'),
  ABORT_GRACE_SECS: seconds(3_600).default(5).describe('How long an aborted handler may take to return'),
  START_TIMEOUT_SECS: seconds(3_600)
    .default(30)
    .describe('How long a starting process tries to reach Postgres'),
  CORS_ORIGINS: origins.describe('Origins whose pages may call the API from a browser, comma-separated'),
  TRUST_PROXY: count(0, 10)
    .default(0)
    .describe(
      "Proxies in front of the API that set X-Forwarded-For: without them it would be anybody's word",
    ),
  RATE_LIMIT_READS: count(0, 10_000_000)
    .default(1_000)
    .describe('Reads per minute of one client in one API process. 0: no limit'),
  RATE_LIMIT_WRITES: count(0, 10_000_000).default(1_000).describe('The same for submissions and operations'),
  RATE_LIMIT_WEBHOOKS: count(0, 10_000_000).default(1_000).describe('The same for webhooks'),
  RATE_LIMIT_BURST: count(0, 1_000_000)
    .default(100)
    .describe('Of each of these, how many within one second. 0: no limit'),
  AUTH_ENABLED: z
    .enum(['true', 'false'])
    .optional()
    .describe('Whether callers must say who they are. Unset: `true` in production, else `false`'),
  AUTH_READS: flag('true').describe('`false`: with authentication on, reads need none'),
  JWT_PUBLIC_KEY: textLike('-----BEGIN PUBLIC KEY-----…', /-----BEGIN (PUBLIC KEY|CERTIFICATE)-----/)
    .meta({ secret: true })
    .optional()
    .describe(
      'RSA key that tokens are signed with (PEM, line breaks may be `\\n`); several while keys change',
    ),
  JWKS_URL: textLike('https://id.example.com/.well-known/jwks.json', /^https?:\/\/\S+$/)
    .optional()
    .describe('Where the keys that tokens are signed with are published'),
  JWT_ISSUER: z.string().min(1).optional().describe('What `iss` of a token must be; needed for tokens'),
  JWT_AUDIENCE: z.string().min(1).optional().describe('What `aud` of a token must have; needed for tokens'),
  API_KEYS: textLike(
    '[{"id":"ci","hash":"<64 hex digits>","namespaces":["billing"],"scopes":["read","submit"]}]',
    /^\[[\s\S]*\]$/,
  )
    .meta({ secret: true })
    .optional()
    .describe('The API keys, as JSON, by their SHA-256: `npm run token -- --api-key` makes one'),
  ALLOW_PRIVATE_TARGETS: flag('false').describe(
    '`true`: `http.request` and callbacks may call private, loopback and link-local addresses',
  ),
  WEBHOOK_SECRETS: webhookSecrets
    .optional()
    .describe(
      'Callbacks are signed with these (Standard Webhooks), comma-separated, each `whsec_` and 24 to 64 bytes in base64; with `billing=` before it, it is for that namespace alone, instead of the general ones',
    ),
  GITEA_WEBHOOK_SECRET: secrets('a-secret-of-16-characters-or-more').describe(
    'What Gitea signs its webhooks with; several while they change, comma-separated. Unset: POST /v1/webhooks/gitea takes none',
  ),
  GITHUB_WEBHOOK_SECRET: secrets('a-secret-of-16-characters-or-more').describe('The same for GitHub'),
  WEBHOOK_SOURCES: textLike(
    '[{"name":"shop","scheme":"standard","secrets":["whsec_…"],"event":{"pointer":"/type"},"rules":[…]}]',
    /^\s*\[[\s\S]*\]\s*$/,
  )
    .meta({ secret: true })
    .optional()
    .describe('Other senders of webhooks, as JSON: what they sign with, and which task each event becomes'),
  CI_REPOSITORIES: repositories.describe(
    'URLs that the repositories which `ci.build` may build begin with, comma-separated, whole parts of a path. Unset: none',
  ),
  ERRAND_URL: textLike('http://localhost:8080', /^https?:\/\/\S+$/)
    .optional()
    .describe(
      'The API that `npm run demo` uses. Unset: the one on SERVER_PORT, and when none answers there, the demo starts everything itself',
    ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least level that is logged'),
} as const;

export const configSchema = z.object(variables);

/** The configuration of a process, parsed and typed. */
export type Config = z.output<typeof configSchema>;
export type VariableName = keyof typeof variables;
