import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { TcpProxy } from '../support/network/tcp_proxy.ts';
import { until } from '../support/until.ts';
import type { Member } from './fleet.ts';

export type Target = {
  runners: Member[];
  apis: Member[];
  pool: Pool;
  /** Between all of them and Postgres. */
  proxy: TcpProxy;
  crashPostgres: () => Promise<void>;
  leaseMs: number;
};

/** What was done to the system, how often, and how long the pool took to take over what was lost. */
export type Chaos = { actions: Map<string, number>; recoveryMs: number[] };

const PAUSE_MS = { least: 1_000, more: 2_500 };

/** Kills and stops processes at random until `stop` is aborted. `tell` hears of each action. */
export async function wreak(stop: AbortSignal, target: Target, tell: (line: string) => void): Promise<Chaos> {
  const chaos: Chaos = { actions: new Map(), recoveryMs: [] };
  const recoveries: Promise<void>[] = [];
  const actions: [string, number, () => Promise<void>][] = [
    ['kill -9 a runner', 0.4, async () => killRunner(target, chaos, recoveries)],
    [
      'SIGSTOP a runner past its lease, SIGCONT',
      0.15,
      () => freeze(any(target.runners), 1.5 * target.leaseMs),
    ],
    ['kill -9 an API process', 0.2, async () => void any(target.apis).child()?.kill('SIGKILL')],
    ['SIGTERM a runner', 0.1, async () => void any(target.runners).child()?.kill('SIGTERM')],
    ['crash Postgres and start it again', 0.08, target.crashPostgres],
    ['silence a connection', 0.15, async () => silence(target.proxy)],
    ['cut every connection', 0.07, () => cutConnections(target.pool)],
  ];
  while (!stop.aborted) {
    await pause(PAUSE_MS.least + Math.random() * PAUSE_MS.more, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) break;
    const [name, , act] = choose(actions);
    tell(name);
    chaos.actions.set(name, (chaos.actions.get(name) ?? 0) + 1);
    await act();
  }
  await Promise.allSettled(recoveries);
  return chaos;
}

/** Kills one and times how long until its work was taken over, as far as it was registered. */
async function killRunner(
  { runners, pool, leaseMs }: Target,
  chaos: Chaos,
  recoveries: Promise<void>[],
): Promise<void> {
  const child = any(runners).child();
  const pid = child?.pid;
  if (child === null || pid === undefined) return;
  const killed = performance.now();
  child.kill('SIGKILL');
  const recovery = until(
    'the lost runner was noticed',
    async () => {
      const { rows } = await pool
        .query<{ open: number }>(
          'select count(*) as open from errand.runners where pid = $1 and ended_at is null',
          [pid],
        )
        .catch(() => ({ rows: [] }));
      return rows[0]?.open === 0;
    },
    20 * leaseMs,
  );
  recoveries.push(
    recovery.then(() => {
      chaos.recoveryMs.push(performance.now() - killed);
    }),
  );
}

async function freeze(member: Member, ms: number): Promise<void> {
  const child = member.child();
  child?.kill('SIGSTOP');
  await pause(ms);
  child?.kill('SIGCONT');
}

/** Nothing of what either side says arrives any more, and neither is told. */
function silence(proxy: TcpProxy): void {
  const open = proxy.connections();
  if (open.length > 0) any(open).blackHole();
}

async function cutConnections(pool: Pool): Promise<void> {
  await pool
    .query(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
    )
    .catch(() => {});
}

function any<T>(items: T[]): T {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('there is none to choose from');
  return item;
}

function choose<T extends [string, number, () => Promise<void>]>(actions: T[]): T {
  let left = Math.random() * actions.reduce((sum, [, weight]) => sum + weight, 0);
  const chosen = actions.find(([, weight]) => {
    left -= weight;
    return left < 0;
  });
  return chosen ?? any(actions);
}
