import { connectionString, maskSecrets, wantsEmbeddedPostgres } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

/** The host part of an URL that reaches what listens on `SERVER_HOST` from this machine. */
export function reachableHost(serverHost: string, forAny: string): string {
  if (serverHost === '0.0.0.0' || serverHost === '::') return forAny;
  return serverHost.includes(':') ? `[${serverHost}]` : serverHost;
}

/** What `npm start` says once everything answers: where things are, and a first task to try. */
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
  return [...lines, 'Ctrl-C stops it.', ''].join('\n');
}

function tryIt(authority: string): string {
  return `curl -s '${authority}/v1/tasks/example.echo?wait=10' -H 'content-type: application/json' -d '{"payload":{"message":"hello"}}'`;
}

function postgresPlace(config: Config): string {
  const url = connectionString(config);
  if (wantsEmbeddedPostgres(config)) return `${url} (data and log in .errand)`;
  return url === undefined ? `${config.PGHOST} (PGHOST)` : maskSecrets(url);
}
