import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { describeVariables } from './describe.ts';
import { type Config, configSchema } from './schema.ts';

/** A configuration that can't be used; the message names each variable, its value and what is accepted. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads `.env` (variables that are already set win) and the environment.
 * Throws ConfigError when a value is not acceptable.
 */
export function loadConfig(): Config {
  if (existsSync('.env')) loadEnvFile('.env');
  return parseConfig(process.env);
}

/** Parses an environment; an empty value counts as unset. Throws ConfigError with everything that is wrong. */
export function parseConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = configSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const wrong = new Set(parsed.error.issues.map((issue) => issue.path[0]));
  const problems = describeVariables()
    .filter(({ name }) => wrong.has(name))
    .map(({ name, accepts, purpose, isSecret }) => {
      const value = isSecret ? '***' : maskSecrets(String(given[name]));
      return `  ${name}=${value} is not accepted: it must be ${accepts} (${purpose})`;
    });
  throw new ConfigError(`The configuration can't be used:\n${problems.join('\n')}`);
}

/** Hides the password of a connection URL, or of what was meant to be one, for messages and logs. */
export function maskSecrets(value: string): string {
  return (
    value
      // Up to the last @, which only a password can have before it.
      .replace(/^([a-z][a-z0-9+.-]*:\/\/)?([^:/@\s]*):(?!\/\/).*@/is, '$1$2:***@')
      .replace(/(password=)[^&\s]*/gi, '$1***')
  );
}

/**
 * What `pg` needs to connect: DATABASE_URL, else the PG* variables (undefined lets `pg` read them), else the
 * embedded Postgres.
 */
export function connectionString(config: Config): string | undefined {
  if (config.DATABASE_URL !== undefined) return config.DATABASE_URL;
  if (config.PGHOST !== undefined) return undefined;
  return embeddedUrl(config.EMBEDDED_POSTGRES_PORT);
}

/** Whether nothing else is configured, so that `npm start` brings up the embedded Postgres. */
export function wantsEmbeddedPostgres(config: Config): boolean {
  return config.DATABASE_URL === undefined && config.PGHOST === undefined;
}

/** The connection URL of the embedded Postgres; it listens on loopback only. */
export function embeddedUrl(port: number): string {
  return `postgres://errand:errand@127.0.0.1:${port}/errand`;
}
