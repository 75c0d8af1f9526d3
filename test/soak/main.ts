import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../../embedded/ports.ts';
import { startPostgres } from '../../embedded/postgres.ts';
import { migrate } from '../../store/migrate.ts';
import { openPool } from '../../store/pool.ts';
import { allFinished, recordHistory } from '../support/history.ts';
import { until } from '../support/until.ts';
import { type Chaos, wreak } from './chaos.ts';
import { type Member, startMember } from './fleet.ts';
import { submitUntil } from './load.ts';

/**
 * `npm run soak -- --minutes 10`: an own Postgres, API processes and runners under load, at random killed,
 * stopped and cut off; then everything comes to rest and the history checker has the last word (faults F30).
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    runners: { type: 'string', default: '3' },
    apis: { type: 'string', default: '2' },
    clients: { type: 'string', default: '4' },
    'lease-secs': { type: 'string', default: '3' },
  },
});
const minutes = Number(values.minutes);
const leaseMs = Number(values['lease-secs']) * 1_000;
const REST_WITHIN_MS = 120_000;

const began = performance.now();
function tell(line: string): void {
  const seconds = ((performance.now() - began) / 1_000).toFixed(1).padStart(6);
  process.stdout.write(`${seconds} s  ${line}\n`);
}

const directory = await mkdtemp(join(tmpdir(), 'errand-soak-'));
const port = await freePort('127.0.0.1');
const settings = { max_connections: '300' };
let postgres = await startPostgres({ directory, port, settings, log: () => {} });
const pool = openPool({
  connectionString: postgres.url,
  applicationName: 'soak',
  size: 4,
  statementTimeoutMs: 10_000,
  onError: () => {},
});
await migrate(pool);
const urls: string[] = [];
const apis = await Promise.all(
  count(values.apis).map(async () => {
    const apiPort = await freePort('127.0.0.1');
    urls.push(`http://127.0.0.1:${apiPort}`);
    return startMember('api/main.ts', { DATABASE_URL: postgres.url, SERVER_PORT: String(apiPort) });
  }),
);
const runners = count(values.runners).map(() =>
  startMember('runner/main.ts', {
    DATABASE_URL: postgres.url,
    RUNNER_LEASE_SECS: values['lease-secs'],
    ABORT_GRACE_SECS: '1',
    SHUTDOWN_TIMEOUT_SECS: '3',
  }),
);
await until(
  'all are up',
  async () => {
    const ready = await Promise.all(
      urls.map((url) =>
        fetch(`${url}/ready`)
          .then((answer) => answer.ok)
          .catch(() => false),
      ),
    );
    const { rows } = await pool.query('select 1 from errand.runners');
    return ready.every(Boolean) && rows.length === runners.length;
  },
  60_000,
);
tell(
  `${apis.length} API processes and ${runners.length} runners are up, with a lease of ${leaseMs / 1_000} s`,
);

const history = recordHistory();
const stop = new AbortController();
setTimeout(() => stop.abort(), minutes * 60_000);
const [chaos] = await Promise.all([
  wreak(stop.signal, { runners, apis, pool, leaseMs, crashPostgres }, tell),
  ...count(values.clients).map(() => submitUntil(stop.signal, urls, history, 60)),
]);
tell(`${history.acknowledged().length} submissions were acknowledged; waiting until all has come to rest`);
const verdict = await checkAtRest();
report(chaos);
const exits = await Promise.all([...runners, ...apis].map((member: Member) => member.stop()));
tell(`stopped: exit codes ${exits.join(' ')}`);
await pool.end();
await postgres.stop();
await rm(directory, { recursive: true, force: true });
tell(verdict === null ? 'history checker: passed' : `history checker: FAILED\n${verdict}`);
process.exit(verdict === null && exits.every((exit) => exit === 0) ? 0 : 1);

async function crashPostgres(): Promise<void> {
  process.kill(postgres.pid, 'SIGQUIT');
  await postgres.exited;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 3_000));
  postgres = await startPostgres({ directory, port, settings, log: () => {} });
}

async function checkAtRest(): Promise<string | null> {
  try {
    await until('every task has finished', () => allFinished(pool).catch(() => false), REST_WITHIN_MS);
    await history.check(pool);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function report({ actions, recoveryMs }: Chaos): void {
  for (const [name, times] of actions) tell(`${String(times).padStart(4)} × ${name}`);
  const sorted = recoveryMs.toSorted((a, b) => a - b);
  const seconds = (ms: number | undefined): string =>
    ms === undefined ? 'none' : `${(ms / 1_000).toFixed(1)} s`;
  tell(
    `taken over after a kill -9: median ${seconds(sorted[Math.floor(sorted.length / 2)])}, ` +
      `max ${seconds(sorted.at(-1))}, of ${sorted.length}`,
  );
}

function count(text: string): number[] {
  return Array.from({ length: Number(text) }, (_unused, index) => index);
}
