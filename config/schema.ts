import { z } from 'zod';

/**
 * Where the embedded Postgres of `npm start` listens, so that every other script finds it. Below 32768: above,
 * Linux takes ports for outgoing connections.
 */
export const EMBEDDED_POSTGRES_PORT = 25432;

const port = z.coerce.number().int().min(1).max(65_535);
const seconds = (max: number) => z.coerce.number().positive().max(max);
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
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(500).default(10).describe('Connections per process'),
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
  RUNNER_CONCURRENCY: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(10)
    .describe('Attempts that one runner executes at a time'),
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
  REQUEST_TIMEOUT_SECS: seconds(3_600)
    .default(30)
    .describe('Longest time that a statement for a request may take'),
  SHUTDOWN_TIMEOUT_SECS: seconds(3_600)
    .default(30)
    .describe('After SIGTERM: how long running attempts and requests may go on'),
  ABORT_GRACE_SECS: seconds(3_600).default(5).describe('How long an aborted handler may take to return'),
  START_TIMEOUT_SECS: seconds(3_600)
    .default(30)
    .describe('How long a starting process tries to reach Postgres'),
  ALLOW_PRIVATE_TARGETS: flag('false').describe(
    '`true`: `http.request` may call private, loopback and link-local addresses',
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
