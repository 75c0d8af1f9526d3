import { connectionString, maskSecrets, wantsEmbeddedPostgres } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

/**
 * The host part of a URL that reaches a server on `SERVER_HOST` from this machine. If it is unset, the server
 * listens on loopback or on all addresses.
 */
export function reachableHost(serverHost: string | undefined, forAny: string): string {
  if (serverHost === undefined || serverHost === '0.0.0.0' || serverHost === '::') return forAny;
  return serverHost.includes(':') ? `[${serverHost}]` : serverHost;
}

/** The message of `npm start` when everything answers: the addresses, and a first task to try. */
export function welcome(config: Config, apiPort: number, runnerPort: number): string {
  const host = reachableHost(config.SERVER_HOST, 'localhost');
  const lines = [
    '',
    'Errand is up.',
    `  API       http://${host}:${apiPort}`,
    `  Docs      http://${host}:${apiPort}/docs`,
    `  Runner    http://${host}:${runnerPort}`,
    `  Postgres  ${postgresPlace(config)}`,
    '',
  ];
  // The example tasks are not registered in production.
  if (config.NODE_ENV !== 'production') {
    lines.push('Try it:', tryIt(`${host}:${apiPort}`), '');
  }
  return [...lines, 'Press Ctrl-C to stop.', ''].join('\n');
}

function tryIt(authority: string): string {
  return `curl -s '${authority}/v1/tasks/example.echo?wait=10' -H 'content-type: application/json' -d '{"payload":{"message":"hello"}}'`;
}

function postgresPlace(config: Config): string {
  const url = connectionString(config);
  if (wantsEmbeddedPostgres(config)) return `${url} (data and log in .errand)`;
  return url === undefined ? `${config.PGHOST} (PGHOST)` : maskSecrets(url);
}
