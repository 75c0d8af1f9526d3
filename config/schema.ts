import { z } from 'zod';
import { hostNames, listOf, origins, publicUrl } from './addresses.ts';
import { httpSecrets } from './http_secrets.ts';
import { areTwo, errandSchema, workerSchema } from './schema_names.ts';
import { webhookSecrets } from './webhook_secrets.ts';

/**
 * The port of the embedded Postgres of `npm start`; a constant, so that every other script finds it. Below
 * 32768, because Linux uses higher ports for outgoing connections.
 */
export const EMBEDDED_POSTGRES_PORT = 25432;

const port = z.coerce.number().int().min(1).max(65_535);
const seconds = (max: number) => z.coerce.number().positive().max(max);
/** Up to what Errand is tested with, which is the default. */
const megabytes = (max: number) => z.coerce.number().min(0.01).max(max).default(max);
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const flag = (byDefault: 'true' | 'false') =>
  z
    .enum(['true', 'false'])
    .default(byDefault)
    .transform((text) => text === 'true');
/** Text that matches a pattern. Messages describe it by the example. */
const textLike = (example: string, pattern: RegExp) =>
  z
    .string()
    .regex(pattern)
    .meta({ examples: [example] });

/** Secrets, comma-separated. Several are set while they are rotated. */
const secrets = (example: string) =>
  textLike(example, /^\s*[^\s,]{16,}(\s*,\s*[^\s,]{16,})*\s*$/)
    .meta({ secret: true })
    .transform(listOf)
    .optional();

/** A namespace, or the name of a task. */
const SERVED = '[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_-]*)*';

const REPOSITORY_PREFIX = '((https?|ssh):\\/\\/[^\\s,\\/?#]+|file:\\/\\/)(\\/[^\\s,?#]*)?';
/** Prefixes of URLs, comma-separated. */
const repositories = textLike(
  'https://git.example.com/team/,ssh://git@git.example.com/team/app.git',
  new RegExp(`^${REPOSITORY_PREFIX}(\\s*,\\s*${REPOSITORY_PREFIX})*$`),
)
  .refine((text) => listOf(text).every((part) => URL.canParse(part)))
  .transform(listOf)
  .optional();

/**
 * Every environment variable that Errand reads, with its accepted values, default and purpose. `npm run
 * config-docs` generates the table of docs/guides/configuration.md and .env.example from here.
 */
export const variables = {
  DATABASE_URL: textLike('postgres://user:password@host:5432/database', /^postgres(ql)?:\/\/\S+$/)
    .optional()
    .describe('Postgres 14 or newer. If neither this nor PGHOST is set: the embedded one of `npm start`'),
  PGHOST: z
    .string()
    .optional()
    .describe("With DATABASE_URL unset, libpq's PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE are used"),
  EMBEDDED_POSTGRES_PORT: port
    .default(EMBEDDED_POSTGRES_PORT)
    .describe('Port of the embedded Postgres, on 127.0.0.1 only'),
  DATABASE_POOL_SIZE: count(2, 500)
    .default(10)
    .describe('Connections per process; in the API, those for writes'),
  DATABASE_READ_POOL_SIZE: count(1, 500)
    .default(5)
    .describe(
      'Connections of an API process for reads and analytics, which therefore cannot delay submissions',
    ),
  DATABASE_CONNECT_TIMEOUT_SECS: seconds(3_600)
    .default(10)
    .describe('How long a process waits for a new connection, or for a free one of a full pool'),
  DATABASE_IDLE_TIMEOUT_SECS: seconds(86_400)
    .default(30)
    .describe('A connection that nothing uses for this time is closed'),
  ERRAND_SCHEMA: errandSchema,
  ERRAND_WORKER_SCHEMA: workerSchema,
  NODE_ENV: z
    .enum(['development', 'production', 'test'])
    .default('development')
    .describe('`production`: logs are JSON, and the `example.*` tasks are not registered'),
  ERRAND_CONFIG: z
    .string()
    .optional()
    .describe('The configuration file of the project. If unset: `errand.config.ts` of the working directory'),
  SERVER_HOST: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Address of the API and of the runner's HTTP server. Unset: 127.0.0.1 for an API without authentication (AUTH_ENABLED) and for a runner outside of production; otherwise 0.0.0.0",
    ),
  ALLOWED_HOSTS: hostNames.describe(
    'Without authentication: host names that the API accepts (Host, without the port), comma-separated, besides loopback names. Unset: no others on a loopback address, every name on other addresses',
  ),
  SERVER_PORT: port.default(8080).describe('Port of the API'),
  RUNNER_PORT: port
    .optional()
    .describe(
      "Port of the runner's HTTP server. Unset: 8081, or the next free port if several run on one machine",
    ),
  RUNNER_CONCURRENCY: count(1, 1_000).default(10).describe('Attempts that one runner executes at a time'),
  RUNNER_NAMESPACES: textLike('billing,search.reindex', new RegExp(`^${SERVED}(\\s*,\\s*${SERVED})*$`))
    .transform(listOf)
    .optional()
    .describe(
      'A dedicated runner: the namespaces and names of tasks that it executes, comma-separated. It always executes the built-in tasks, too. Unset: everything',
    ),
  RUNNER_LEASE_SECS: z.coerce
    .number()
    .min(2)
    .max(3_600)
    .default(15)
    .describe('A runner without a heartbeat for this time is presumed dead, and its work is taken over'),
  RETENTION_HOURS: z.coerce
    .number()
    .positive()
    .max(87_600)
    .default(24)
    .describe(
      'Finished tasks are deleted after this time, unless their definition says otherwise. Failed tasks stay longer',
    ),
  FAILED_RETENTION_HOURS: z.coerce
    .number()
    .positive()
    .max(87_600)
    .default(14 * 24)
    .describe(
      'Failed tasks are deleted after this time, but not before other tasks of their definition, unless it says otherwise',
    ),
  AUDIT_RETENTION_DAYS: count(1, 36_500)
    .default(365)
    .describe('The audit trail of operators is kept for this time'),
  SCHEDULE_HISTORY_DAYS: count(1, 36_500)
    .default(90)
    .describe(
      'The outcome of each time of a schedule is kept for this time. A backfill of older times must say that they may have run',
    ),
  REQUEST_TIMEOUT_SECS: seconds(3_600)
    .default(30)
    .describe('After this time a request gets 408, and its statement is cancelled in Postgres'),
  MAX_BODY_MB: megabytes(10).describe(
    'Upper bound of the body of a request, also after unpacking. A larger one gets 413',
  ),
  MAX_WEBHOOK_MB: megabytes(25).describe('The same for a webhook'),
  MAX_REQUESTS_IN_FLIGHT: count(1, 100_000)
    .default(1_000)
    .describe('Requests that one API process works on at a time. More get 503'),
  MAX_STREAMS: count(1, 1_000_000)
    .default(5_000)
    .describe('The same for event streams and WebSockets, which do not count as requests'),
  WS_HEARTBEAT_SECS: seconds(3_600)
    .default(30)
    .describe('How often a WebSocket is pinged. A client that does not answer is disconnected'),
  MAX_QUEUE_DEPTH: count(1, 1_000_000)
    .optional()
    .describe('If a namespace has more due tasks than this, new ones get 503. Unset: no limit'),
  BREAKER_OPEN_SECS: seconds(3_600)
    .default(30)
    .describe(
      'After five consecutive database failures the API answers 503 for a quarter of a second, then twice as long each time, up to this time',
    ),
  SHUTDOWN_TIMEOUT_SECS: seconds(3_600)
    .default(30)
    .describe('How long running attempts and requests may continue after SIGTERM'),
  DRAIN_DELAY_SECS: z.coerce
    .number()
    .min(0)
    .max(3_600)
    .default(0)
    .describe(
      'How long the API at least keeps accepting connections after SIGTERM. Until it refuses them, /ready and new requests get 503, so that load balancers first send their requests elsewhere',
    ),
  ABORT_GRACE_SECS: seconds(3_600).default(5).describe('How long an aborted handler may take to return'),
  START_TIMEOUT_SECS: seconds(3_600)
    .default(30)
    .describe(
      'How long a starting process waits until it can reach Postgres, until Postgres is writable, and for a migration of another process',
    ),
  CORS_ORIGINS: origins.describe('Origins whose pages may call the API from a browser, comma-separated'),
  TRUST_PROXY: count(0, 10)
    .default(0)
    .describe(
      'Number of trusted proxies in front of the API. They must set X-Forwarded-For, and X-Forwarded-Prefix if they remove a prefix from the path. From other senders these headers are ignored',
    ),
  PUBLIC_URL: publicUrl.describe(
    'URL under which callers reach the API, with the path that a proxy removes. `Location` and `Link` begin with it. Unset: they are paths, with the X-Forwarded-Prefix of a trusted proxy',
  ),
  RATE_LIMIT_READS: count(0, 10_000_000)
    .default(1_000)
    .describe('Reads per minute of one client in one API process. 0: no limit'),
  RATE_LIMIT_WRITES: count(0, 10_000_000).default(1_000).describe('The same for submissions and operations'),
  RATE_LIMIT_WEBHOOKS: count(0, 10_000_000).default(1_000).describe('The same for webhooks'),
  RATE_LIMIT_BURST: count(0, 1_000_000)
    .default(100)
    .describe('The same limits per second, for each of the three. 0: no limit'),
  AUTH_ENABLED: z
    .enum(['true', 'false'])
    .optional()
    .describe('Whether callers must authenticate. Unset: `true` in production, otherwise `false`'),
  AUTH_READS: flag('true').describe('`false`: reads need no credentials, even if authentication is on'),
  JWT_PUBLIC_KEY: textLike('-----BEGIN PUBLIC KEY-----…', /-----BEGIN (PUBLIC KEY|CERTIFICATE)-----/)
    .meta({ secret: true })
    .optional()
    .describe(
      'Public RSA key that verifies tokens (PEM, line breaks may be `\\n`); several while keys are rotated',
    ),
  JWKS_URL: textLike('https://id.example.com/.well-known/jwks.json', /^https?:\/\/\S+$/)
    .optional()
    .describe('URL of the published keys that verify tokens'),
  JWT_ISSUER: z.string().min(1).optional().describe('Required `iss` of a token; needed for tokens'),
  JWT_AUDIENCE: z.string().min(1).optional().describe('Required `aud` of a token; needed for tokens'),
  API_KEYS: textLike(
    '[{"id":"ci","hash":"<64 hex digits>","namespaces":["billing"],"scopes":["read","submit"]}]',
    /^\[[\s\S]*\]$/,
  )
    .meta({ secret: true })
    .optional()
    .describe('The API keys as JSON, by their SHA-256. `npm run token -- --api-key` makes one'),
  API_KEYS_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Replaces API_KEYS: a file with that JSON, or with `{"keys":[…],"revoked":{"subjects":[…],"tokens":[…]}}`. It is read again after each change, without a restart',
    ),
  ALLOW_PRIVATE_TARGETS: flag('false').describe(
    '`true`: `http.request` and callbacks may reach private, loopback and link-local addresses',
  ),
  WEBHOOK_SECRETS: webhookSecrets
    .optional()
    .describe(
      'Secrets that sign callbacks (Standard Webhooks), comma-separated: `whsec_` and 24 to 64 bytes in base64. With `billing=` before it, a secret is only for that namespace, and replaces the general ones there',
    ),
  HTTP_SECRETS: httpSecrets
    .optional()
    .describe(
      'For runners: header values that `http.request` sends. Payloads refer to them by these names (`secret_headers`). Each has a list of the hosts that may receive it',
    ),
  GITEA_WEBHOOK_SECRET: secrets('a-secret-of-16-characters-or-more').describe(
    'Secrets with which Gitea signs its webhooks, comma-separated; several while they are rotated. Unset: POST /v1/webhooks/gitea accepts no events',
  ),
  GITHUB_WEBHOOK_SECRET: secrets('a-secret-of-16-characters-or-more').describe('The same for GitHub'),
  WEBHOOK_SOURCES: textLike(
    '[{"name":"shop","scheme":"standard","secrets":["whsec_…"],"event":{"pointer":"/type"},"rules":[…]}]',
    /^\s*\[[\s\S]*\]\s*$/,
  )
    .meta({ secret: true })
    .optional()
    .describe('Other senders of webhooks as JSON: their secrets, and the task that each event becomes'),
  CI_REPOSITORIES: repositories.describe(
    'URL prefixes of the repositories that `ci.build` may build, comma-separated; each ends at a complete path segment. Unset: no repository',
  ),
  CI_BUILD_ISOLATION: z
    .enum(['auto', 'required', 'off'])
    .default('auto')
    .describe(
      '`auto`: the script of a `ci.build` runs in Linux namespaces if the machine supports them; otherwise its log says so. `required`: it fails there',
    ),
  ERRAND_URL: textLike('http://localhost:8080', /^https?:\/\/\S+$/)
    .optional()
    .describe(
      'The API that `npm run demo` uses. Unset: the one on SERVER_PORT; if none answers there, the demo starts everything itself',
    ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Lowest level that is logged'),
} as const;

export const configSchema = z.object(variables).refine(areTwo, { path: ['ERRAND_WORKER_SCHEMA'] });

/** The configuration of a process, parsed and typed. */
export type Config = z.output<typeof configSchema>;
export type VariableName = keyof typeof variables;
