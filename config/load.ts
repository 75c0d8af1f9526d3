import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { describeVariables, type VariableDescription } from './describe.ts';
import { productionProblems } from './production.ts';
import { type Config, configSchema } from './schema.ts';
import { namedSchemas } from './schema_names.ts';

type Environment = Record<string, string | undefined>;

/** An invalid configuration. The message names each variable, its value, and the accepted values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads `.env` and the environment. Variables that are already set take precedence. Throws ConfigError if a
 * value is invalid.
 */
export function loadConfig(): Config {
  if (existsSync('.env')) loadEnvFile('.env');
  return parseConfig(process.env);
}

/** Parses an environment. An empty value counts as unset. Throws ConfigError with every problem. */
export function parseConfig(environment: Environment): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = configSchema.safeParse(given);
  if (parsed.success) return requireSafe(parsed.data, given);
  const wrong = new Set(parsed.error.issues.map((issue) => issue.path[0]));
  const problems = describeVariables()
    .filter(({ name }) => wrong.has(name))
    .map(
      (variable) =>
        `  ${shown(variable, given)} is not accepted: it must be ${variable.accepts} (${variable.purpose})`,
    );
  throw unusable(problems);
}

/** In production, some values are refused although their variable accepts them, because they are unsafe. */
function requireSafe(config: Config, given: Environment): Config {
  const found = config.NODE_ENV === 'production' ? productionProblems(given) : [];
  // Only variables of Errand: the environment contains others.
  const problems = describeVariables().flatMap((variable) =>
    found
      .filter(({ name }) => name === variable.name)
      .map(({ reason }) => `  ${shown(variable, given)} is not accepted in production: ${reason}`),
  );
  if (problems.length === 0) return config;
  throw unusable(problems);
}

function shown({ name, isSecret }: VariableDescription, given: Environment): string {
  return `${name}=${isSecret ? '***' : maskSecrets(String(given[name]))}`;
}

function unusable(problems: string[]): ConfigError {
  return new ConfigError(`The configuration is not valid:\n${problems.join('\n')}`);
}

/** Hides the password of a connection URL, also of a malformed one, for messages and logs. */
export function maskSecrets(value: string): string {
  return (
    value
      // Up to the last @: earlier ones can only belong to the password.
      .replace(/^([a-z][a-z0-9+.-]*:\/\/)?([^:/@\s]*):(?!\/\/).*@/is, '$1$2:***@')
      .replace(/(password=)[^&\s]*/gi, '$1***')
  );
}

/**
 * The connection string for `pg`: DATABASE_URL; otherwise undefined if PGHOST is set, so that `pg` reads the
 * PG* variables; otherwise that of the embedded Postgres.
 */
export function connectionString(config: Config): string | undefined {
  if (config.DATABASE_URL !== undefined) return config.DATABASE_URL;
  if (config.PGHOST !== undefined) return undefined;
  return embeddedUrl(config.EMBEDDED_POSTGRES_PORT);
}

/** Errand's schemas in the database. */
export function schemasFor(config: Config): { errand: string; worker: string } {
  return namedSchemas(config);
}

/** Whether no other Postgres is configured, so that `npm start` starts the embedded one. */
export function wantsEmbeddedPostgres(config: Config): boolean {
  return config.DATABASE_URL === undefined && config.PGHOST === undefined;
}

/** The connection URL of the embedded Postgres, which listens only on loopback. */
export function embeddedUrl(port: number): string {
  return `postgres://errand:errand@127.0.0.1:${port}/errand`;
}
