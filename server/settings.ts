import { maskSecrets, parseConfig } from '../config/load.ts';
import { type Config, type VariableName, variables } from '../config/schema.ts';
import { closest } from '../core/registry.ts';
import { SHIPPED } from '../project/config.ts';
import { loadProject, makeProject, type Project } from '../project/project.ts';
import type { DatabaseOptions, ErrandOptions } from './options.ts';

const KNOWN: Record<keyof ErrandOptions, true> = {
  ...{ database: true, tasks: true, shipped: true, directory: true, config: true },
  ...{ env: true, log: true, api: true, runner: true },
};

/** Throws a TypeError that names a wrong option, before anything starts. Gives the configuration. */
export function configOf(options: ErrandOptions): Config {
  requireKnown('createErrand has no option', Object.keys(options), Object.keys(KNOWN));
  requireKnown('config: Errand has no variable', Object.keys(options.config ?? {}), Object.keys(variables));
  // The host decides where it listens, so the names by which it is called are unknown.
  return parseConfig({
    ...{ NODE_ENV: 'production', SERVER_HOST: '0.0.0.0' },
    ...options.env,
    ...texts(options.config ?? {}),
    ...variablesOf(options.database),
  });
}

/** Loads the definitions. Throws ProjectError, which names the wrong folder, file or option. */
export async function projectOf(options: ErrandOptions, config: Config): Promise<Project> {
  const { tasks, shipped = [], directory = process.cwd() } = options;
  const { NODE_ENV, ERRAND_CONFIG } = config;
  if (tasks !== undefined)
    return makeProject({ tasks, shipped }, { directory, NODE_ENV, shown: 'An option of createErrand' });
  const project = await loadProject({ NODE_ENV, directory, ERRAND_CONFIG });
  if (project.configFile !== null) return project;
  throw new TypeError(
    `createErrand has no tasks: give tasks, for example ['./tasks'], or create errand.config.ts in ${directory}. shipped takes ${SHIPPED.join(', ')}`,
  );
}

function requireKnown(problem: string, given: readonly string[], known: readonly string[]): void {
  for (const name of given) {
    if (known.includes(name)) continue;
    const [near] = closest(name, known);
    throw new TypeError(`${problem} ${name}${near === undefined ? '' : `: did you mean ${near}?`}`);
  }
}

function texts(config: NonNullable<ErrandOptions['config']>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [name, value === undefined ? undefined : String(value)]),
  );
}

function variablesOf(
  database: string | DatabaseOptions,
): Partial<Record<VariableName, string>> & { DATABASE_URL: string } {
  if (typeof database === 'string') return { DATABASE_URL: requireUrl(database) };
  const { connectionString, schema, poolSize, readPoolSize, ...parts } = database;
  return {
    DATABASE_URL: requireUrl(connectionString ?? urlOf(parts)),
    ...(schema === undefined ? {} : { ERRAND_SCHEMA: schema }),
    ...(poolSize === undefined ? {} : { DATABASE_POOL_SIZE: String(poolSize) }),
    ...(readPoolSize === undefined ? {} : { DATABASE_READ_POOL_SIZE: String(readPoolSize) }),
  };
}

function urlOf({ host = 'localhost', port = 5432, user, password, database }: DatabaseOptions): string {
  if (database === undefined)
    throw new TypeError('database: give its name (database), or a connectionString');
  const url = new URL(`postgres://${host.includes(':') ? `[${host}]` : host}:${port}`);
  url.username = encodeURIComponent(user ?? '');
  url.password = encodeURIComponent(password ?? '');
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

function requireUrl(url: unknown): string {
  if (typeof url === 'string' && /^postgres(ql)?:\/\/\S+$/.test(url)) return url;
  throw new TypeError(
    `database: ${maskSecrets(String(url))} is not a connection string such as postgres://user@host:5432/name`,
  );
}
