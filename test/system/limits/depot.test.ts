import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { stepRows } from '../../../core/workflows/graph.ts';
import { createDatabase } from '../../support/database.ts';
import { type History, recordHistory } from '../../support/history.ts';
import { startProcess, type TestProcess } from '../../support/processes.ts';
import { LEASE } from '../../support/runners.ts';
import { submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { BY_KEY, handlersOf, SHARED, type Version } from './fixtures/depot.ts';
import { type Gate, type Held, MOMENTS, makeGate } from './gate.ts';
import { type Presence, watchPresence } from './presence.ts';

// Limits with everything at once: two repositories that share one, a workflow that fans out, retries, a task that
// is quarantined, a rolling deploy that changes a limit, and faults in the middle of the statements. A witness
// outside Errand counts what runs.

const KEYS = ['a', 'b', 'c', 'p', 'q'];

test('F20: no limit is exceeded, every key gets on, and everything ends, whatever strikes where', async () => {
  const { url, pool } = await createDatabase();
  const witness = await watchPresence();
  const history = recordHistory();
  const fleet = startFleet(url);
  await Promise.all([fleet.add('depot'), fleet.add('depot'), fleet.add('branch')]);
  const gate = await makeGate(pool, url);
  const load = startLoad(pool, witness.port, history);

  for (const moment of MOMENTS) {
    await gate.hold(moment, async ({ pid }) => fleet.signal(pid, 'SIGKILL'));
    await gate.hold(moment, async ({ backend, pid }) => {
      fleet.signal(pid, 'SIGKILL');
      await pool.query('select pg_terminate_backend($1)', [backend]);
    });
  }
  expect(KEYS.map((key) => witness.most(`key:${key}`) <= BY_KEY['1.0.0'])).toEqual(KEYS.map(() => true));

  await fleet.deploy('2.0.0');
  for (const moment of MOMENTS) await stopAndContinue(moment, { gate, fleet, pool, witness });
  const before = await endedByKey(pool);
  await until('each key gets on', async () => {
    const now = await endedByKey(pool);
    return KEYS.every((key) => (now[key] ?? 0) > (before[key] ?? 0));
  });
  await load.end();
  await until('all have finished', async () => {
    const { rows } = await pool.query<{ open: number }>(
      'select count(*) as open from errand.tasks where finished_at is null',
    );
    return rows[0]?.open === 0;
  });

  expect(witness.most('shared')).toBeLessThanOrEqual(SHARED);
  expect(witness.most('shared')).toBeGreaterThan(1);
  expect(KEYS.map((key) => witness.most(`key:${key}`) <= BY_KEY['2.0.0'])).toEqual(KEYS.map(() => true));
  expect([witness.most('open'), witness.most('close')]).toEqual([1, 1]);
  const { rows } = await pool.query(
    `select name, state, error ->> 'error_code' as code, count(*)::integer > 0 as any
       from errand.tasks where state <> 'succeeded' group by 1, 2, 3`,
  );
  expect(rows).toEqual([{ name: 'depot.killer', state: 'failed', code: 'QUARANTINED', any: true }]);
  await until('no slot is taken and nobody waits', async () => {
    const { rows: left } = await pool.query(
      'select from errand.limit_slots union all select from errand.limit_waits limit 1',
    );
    return left.length === 0;
  });
  // The parts of workflows, which no client has submitted.
  const parts = await pool.query<{ id: string }>('select id from errand.tasks where parent_id is not null');
  for (const { id } of parts.rows) history.ok(id);
  await history.check(pool);
});

/** A process is stopped at this moment until its work was taken over; what it executed then is left out. */
async function stopAndContinue(
  moment: (typeof MOMENTS)[number],
  { gate, fleet, pool, witness }: { gate: Gate; fleet: Fleet; pool: Pool; witness: Presence },
): Promise<void> {
  let stopped: Held = { backend: 0, pid: 0 };
  await gate.hold(moment, async (held) => {
    stopped = held;
    witness.excuse(held.pid);
    fleet.signal(held.pid, 'SIGSTOP');
  });
  await until('its work was taken over', async () => {
    const { rows } = await pool.query("select from errand.runners where pid = $1 and end_reason = 'lost'", [
      stopped.pid,
    ]);
    return rows.length > 0;
  });
  fleet.signal(stopped.pid, 'SIGCONT');
  await until('it has given back all that it still fetched, and is a new runner', async () => {
    const { rows } = await pool.query<{ live: boolean }>(
      `select bool_or(r.ended_at is null) as live
         from errand.runners r
        where r.pid = $1
          and not exists (select from errand.runners old join errand_worker._private_jobs j on j.locked_by = any (old.pool_ids)
                           where old.pid = $1 and old.ended_at is not null)`,
      [stopped.pid],
    );
    return rows[0]?.live === true;
  });
  fleet.signal(stopped.pid, 'SIGKILL');
}

type Fleet = ReturnType<typeof startFleet>;

/** Runners of both repositories. One that ends is replaced. */
function startFleet(url: string) {
  const members = new Map<number, TestProcess & { project: string; version: Version }>();
  let version: Version = '1.0.0';
  async function add(project: string): Promise<void> {
    const own = version;
    const environment = { ...LEASE, TEST_PROJECT: project, TEST_VERSION: own };
    const started = await startProcess('test/system/limits/fixtures/depot_runner.ts', url, environment);
    const pid = started.child.pid ?? 0;
    members.set(pid, { ...started, project, version: own });
    void started.exited.then(() => {
      members.delete(pid);
      // At the end of the test there is no database any more.
      add(project).catch(() => {});
    });
  }
  return {
    add,
    signal(pid: number, signal: NodeJS.Signals): void {
      members.get(pid)?.child.kill(signal);
    },
    /** One after the other is stopped, and comes again with this version. */
    async deploy(next: Version) {
      version = next;
      for (const [pid, { child }] of [...members]) {
        child.kill('SIGTERM');
        await until('it is replaced', () => !members.has(pid) && members.size >= 3);
      }
    },
  };
}

/** Submits tasks of all kinds, as long as fewer than some are open. */
function startLoad(pool: Pool, port: number, history: History) {
  const handlers = handlersOf('depot', '1.0.0', pool);
  const graph = handlers.get('depot.flow')?.definition.graph;
  if (graph === undefined) throw new Error('no workflow');
  let isOver = false;
  let rounds = 0;
  const done = (async () => {
    await until('the definitions are registered', async () => {
      const { rows } = await pool.query(
        "select from errand.definitions where name ~ '^(depot|branch).load$'",
      );
      return rows.length === 2;
    });
    const killer = { key: 'k', ms: 1, port };
    const made = await submit(
      pool,
      { name: 'depot.killer', payload: killer },
      { name: 'depot.killer', payload: killer },
    );
    for (const { id } of made) history.ok(id);
    while (!isOver) {
      const payload = { key: KEYS[rounds % KEYS.length], ms: 5, port, fails: rounds % 3 === 0 };
      const tasks = await submit(
        pool,
        ...[1, 2, 3].map(() => ({ name: 'depot.load', payload })),
        { name: 'branch.load', payload: { ...payload, key: 'z' } },
        ...(rounds % 5 === 0
          ? [{ name: 'depot.flow', payload: { ...payload, fails: false }, steps: stepRows(graph) }]
          : []),
      );
      for (const { id } of tasks) history.ok(id);
      rounds++;
      await until('few are open', async () => {
        const { rows } = await pool.query<{ open: number }>(
          'select count(*) as open from errand.tasks where finished_at is null',
        );
        return isOver || (rows[0]?.open ?? 0) < 60;
      });
    }
  })();
  done.catch(() => {});
  return {
    async end() {
      isOver = true;
      await done;
    },
  };
}

async function endedByKey(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ key: string; ended: number }>(
    `select payload ->> 'key' as key, count(*)::integer as ended
       from errand.tasks where name = 'depot.load' and finished_at is not null group by 1`,
  );
  return Object.fromEntries(rows.map(({ key, ended }) => [key, ended]));
}
