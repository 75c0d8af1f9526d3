import { connectionString, maskSecrets, wantsEmbeddedPostgres } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { SubmittedTask } from './announced.ts';

/**
 * The host part of a URL that reaches a server on `SERVER_HOST` from this machine. If it is unset, the server
 * listens on loopback or on all addresses.
 */
export function reachableHost(serverHost: string | undefined, forAny: string): string {
  if (serverHost === undefined || serverHost === '0.0.0.0' || serverHost === '::') return forAny;
  return serverHost.includes(':') ? `[${serverHost}]` : serverHost;
}

/**
 * The message when everything answers: the addresses, and a first task to try, one of the project if it has any.
 * `last` says how to go on.
 */
export function welcome(
  config: Config,
  ports: { api: number; runner: number },
  tasks: readonly SubmittedTask[],
  last = 'Press Ctrl-C to stop.',
): string {
  const host = reachableHost(config.SERVER_HOST, 'localhost');
  const tried = tasks.find(({ isOwn }) => isOwn) ?? tasks.find(({ name }) => name === 'example.echo');
  return [
    '',
    'Errand is up.',
    `  API       http://${host}:${ports.api}`,
    `  Dashboard http://${host}:${ports.api}/ui`,
    `  Docs      http://${host}:${ports.api}/docs`,
    `  Runner    http://${host}:${ports.runner}`,
    `  Postgres  ${postgresPlace(config)}`,
    '',
    ...(tried === undefined ? [] : ['Try it:', tryIt(`${host}:${ports.api}`, tried), '']),
    last,
    '',
  ].join('\n');
}

function tryIt(authority: string, { name, example }: SubmittedTask): string {
  const body = JSON.stringify({ payload: example }).replaceAll("'", `'\\''`);
  return `curl -s '${authority}/v1/tasks/${name}?wait=10' -H 'content-type: application/json' -d '${body}'`;
}

function postgresPlace(config: Config): string {
  const url = connectionString(config);
  if (wantsEmbeddedPostgres(config)) return `${url} (data and log in .errand)`;
  return url === undefined ? `${config.PGHOST} (PGHOST)` : maskSecrets(url);
}
