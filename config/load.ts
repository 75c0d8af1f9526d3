import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { type Config, configSchema, type VariableName, variables } from './schema.ts';

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

/** Parses an environment; an empty value counts as unset. Throws ConfigError. */
export function parseConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = configSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]) as VariableName;
    return `  ${name}=${maskSecrets(given[name])} is not accepted: ${issue.message}. It is: ${variables[name].description}`;
  });
  throw new ConfigError(`The configuration can't be used:\n${problems.join('\n')}`);
}

/** Hides the password of a connection URL, for messages and logs. */
export function maskSecrets(value: string | undefined): string {
  return (value ?? '').replace(/(:\/\/[^:/@]*):[^@]*@/, '$1:***@');
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
