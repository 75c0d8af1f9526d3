import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../../embedded/ports.ts';
import { startPostgres } from '../../embedded/postgres.ts';
import { migrate } from '../../store/database/migrate.ts';
import { openPool } from '../../store/database/pool.ts';
import { allFinished, recordHistory } from '../support/history.ts';
import { openProxy } from '../support/network/tcp_proxy.ts';
import { until } from '../support/until.ts';
import { checkTimes } from '../system/schedules/check_times.ts';
import { ended, makeSchedules, several } from '../system/schedules/made_schedules.ts';
import { type Chaos, wreak } from './chaos.ts';
import { type Member, startMember } from './fleet.ts';
import { leaveFaultsUntil, submitUntil } from './load.ts';

/**
 * `npm run soak -- --minutes 10`: an own Postgres, API processes and runners under load, at random killed,
 * stopped, silenced and cut off, with tasks longer than a lease, others that leave rejected promises behind, and schedules of
 * each second; then everything comes to rest and the history checker has the last word (faults F30).
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
const START_WITHIN_MS = 180_000;
const REST_WITHIN_MS = 180_000;
const PROGRESS_MS = 5_000;
/** These submit every time, whatever happens; the others leave out what was missed, and what would overlap. */
const ALL_TIMES = { catch_up: 'all', catch_up_max: 1_000, overlap: 'allow' } as const;
const SCHEDULES = [
  ...several(3, {
    ...{ id: 'fixture.all', everySecs: 1, runsAll: true },
    settings: { every_seconds: 1, ...ALL_TIMES },
  }),
  ...several(3, {
    ...{ id: 'fixture.slow', everySecs: 1, runsAll: false },
    settings: { cron: '* * * * * *', payload: { ms: 1_300 } },
  }),
];

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
tell('Postgres is up; starting the processes');
const proxy = await openProxy(postgres.url);
const urls: string[] = [];
const apis = await Promise.all(
  count(values.apis).map(async () => {
    const apiPort = await freePort('127.0.0.1');
    urls.push(`http://127.0.0.1:${apiPort}`);
    return startMember('api/main.ts', { DATABASE_URL: proxy.url, SERVER_PORT: String(apiPort) });
  }),
);
const ofRunners = {
  DATABASE_URL: proxy.url,
  RUNNER_LEASE_SECS: values['lease-secs'],
  ABORT_GRACE_SECS: '1',
  SHUTDOWN_TIMEOUT_SECS: '3',
};
const runners = [
  ...count(values.runners).map(() => startMember('runner/main.ts', ofRunners)),
  // It executes what leaves rejected promises behind.
  startMember('test/system/crash/fixtures/runner.ts', ofRunners),
];
let told = performance.now();
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
    const { rows } = await pool.query('select 1 from errand.runners where ended_at is null');
    if (performance.now() - told > PROGRESS_MS) {
      told = performance.now();
      tell(
        `up: ${ready.filter(Boolean).length} of ${apis.length} API processes, ${rows.length} of ${runners.length} runners`,
      );
    }
    return ready.every(Boolean) && rows.length >= runners.length;
  },
  START_WITHIN_MS,
);
tell(
  `${apis.length} API processes and ${runners.length} runners are up, with a lease of ${leaseMs / 1_000} s`,
);

const history = recordHistory();
const schedules = await makeSchedules(pool, SCHEDULES, { forMs: minutes * 60_000 });
const progress = setInterval(() => void reportProgress(), PROGRESS_MS);
const stop = new AbortController();
setTimeout(() => stop.abort(), minutes * 60_000);
const [chaos] = await Promise.all([
  wreak(stop.signal, { runners, apis, pool, proxy, leaseMs, crashPostgres }, tell),
  ...count(values.clients).map(() => submitUntil(stop.signal, urls, history, { everyMs: 60, leaseMs })),
  leaveFaultsUntil(stop.signal, pool, history),
]);
tell(`${history.acknowledged().length} submissions were acknowledged; waiting until all has come to rest`);
const verdict = await checkAtRest();
clearInterval(progress);
report(chaos);
tell(await shareOf("name = 'fixture.fault'", 'tasks that left a rejected promise behind'));
tell(await shareOf('schedule_id is not null', 'tasks of schedules'));
tell(
  await shareOf(
    `name = 'example.sleep' and (payload ->> 'ms')::int >= ${leaseMs}`,
    'tasks longer than a lease',
  ),
);
const exits = await Promise.all([...runners, ...apis].map((member: Member) => member.stop()));
tell(`stopped: exit codes ${exits.join(' ')}`);
await pool.end();
await proxy.down();
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

/** So that nobody wonders whether anything happens. */
async function reportProgress(): Promise<void> {
  const open = await pool
    .query<{ open: number }>(
      `select count(*) as open from errand.tasks where state not in ('succeeded', 'failed', 'cancelled', 'resolved')`,
    )
    .then(({ rows }) => `${rows[0]?.open} of them open`)
    .catch(() => 'Postgres is away');
  tell(`${history.acknowledged().length} submissions acknowledged, ${open}`);
}

/** How many tasks of a kind succeeded, and what the most attempts of one were. */
async function shareOf(condition: string, what: string): Promise<string> {
  const { rows } = await pool.query<{ all: number; succeeded: number; most: number }>(
    `select count(*) as all, count(*) filter (where state = 'succeeded') as succeeded, coalesce(max(attempt), 0) as most
       from errand.tasks where ${condition}`,
  );
  const [{ all, succeeded, most } = { all: 0, succeeded: 0, most: 0 }] = rows;
  return `${what}: ${all}, of which ${succeeded} succeeded, with up to ${most} attempts`;
}

async function checkAtRest(): Promise<string | null> {
  try {
    await ended(pool);
    await until('every task has finished', () => allFinished(pool).catch(() => false), REST_WITHIN_MS);
    for (const id of await tasksOfSchedules()) history.ok(id);
    await history.check(pool);
    await checkTimes(pool, schedules);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** No client has submitted them. */
async function tasksOfSchedules(): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from errand.tasks where schedule_id is not null',
  );
  return rows.map(({ id }) => id);
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
