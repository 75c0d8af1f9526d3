import type { Pool } from 'pg';
import { expireTasks } from '../../runner/maintenance/rounds.ts';
import { inTransaction } from '../../store/database/transaction.ts';
import { benchPool, errand, errandOver, NO_OP } from '../queues/errand.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { type Executed, executed, warmUp } from './measure.ts';
import { vacuum } from './waiting.ts';

/** The default of runners. */
const RETENTION_HOURS = 24;
/**
 * A page holds about fifteen of the tasks that a ledger is filled with, and has room for one or two
 * smaller ones.
 */
const TASKS_PER_GAP = 10;

/** An existing database, and how many finished tasks it holds. */
type Filled = { name: string; url: string; tasks: number };

/**
 * Measures how fast tasks are executed in a database full of finished tasks, and in an empty one.
 * The executed tasks stay in the full one. Throws if a runner fails.
 */
export async function measureInLedger(
  server: BenchServer,
  full: Filled,
  { tasks, rounds }: { tasks: number; rounds: number },
  log: (line: string) => void,
): Promise<Section> {
  const empty = { ...(await server.freshDatabase()), tasks: 0 };
  const opened: { measure: () => Promise<Executed>; close: () => Promise<void> }[] = [];
  try {
    const subjects = [];
    for (const filled of [full, empty]) {
      const one = await open(server, filled, tasks);
      opened.push(one);
      const name = `${errand.name} executes with ${filled.tasks.toLocaleString('en')} finished tasks`;
      subjects.push({ name, measure: one.measure });
    }
    const [inFull = [], inEmpty = []] = await inRounds(subjects, rounds, log);
    return toSection({ finished: full.tasks, tasks, full: inFull, empty: inEmpty });
  } finally {
    for (const { close } of opened) await close();
    await server.dropDatabase(empty.name);
  }
}

async function open(server: BenchServer, filled: Filled, tasks: number) {
  const pool = benchPool(filled.url);
  const queue = await errandOver(filled, 1);
  // Tasks whose retention ended while the ledger was filled and read; runners would have deleted
  // them bit by bit.
  await expireTasks(
    pool,
    { finished: RETENTION_HOURS, failed: RETENTION_HOURS },
    new AbortController().signal,
  );
  await fillGaps(pool, Math.round(filled.tasks / TASKS_PER_GAP));
  await warmUp(queue, tasks);
  return {
    async measure() {
      await queue.fill(tasks);
      await vacuum(pool);
      const measured = await executed(server, queue, tasks);
      await queue.hold();
      return measured;
    },
    async close() {
      await queue.close();
      await pool.end();
    },
  };
}

/**
 * Inserts finished tasks that are as small as those that will be executed. Without them the first
 * executed tasks would fill the gaps that larger tasks have left in the pages: for each of them a
 * page would be read, and logged completely. A ledger in which such tasks are executed has no gaps
 * of their size any more.
 */
async function fillGaps(pool: Pool, tasks: number): Promise<void> {
  await vacuum(pool);
  await inTransaction(pool, async (client) => {
    // Without notifications about them.
    await client.query('set local session_replication_role = replica');
    await client.query(
      `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, finished_at, payload)
       select $1, '1.0.0', 'cancelled', 0, 1, now(), now(), '{}' from generate_series(1, $2)`,
      [NO_OP, tasks],
    );
  });
}

type Data = { finished: number; tasks: number; full: readonly Executed[]; empty: readonly Executed[] };

function toSection(data: Data): Section {
  const finished = data.finished.toLocaleString('en');
  const perSecond = (rounds: readonly Executed[]) => rounds.map((round) => round.perSecond);
  return goalSection({
    title: 'Executing with many finished tasks',
    about:
      `One runner executes ${data.tasks.toLocaleString('en')} waiting tasks, in a database with ${finished} finished tasks ` +
      'and in one that was empty at first, in turns. This Postgres has no autovacuum: both are vacuumed before each round. ' +
      'Expired tasks are deleted before; later the runner deletes them, as usual. The full database also holds a ' +
      'tenth as many small finished tasks, so that the first thousands of tasks are not scattered over gaps in its pages.',
    goals: [
      {
        ...{ what: `execution with ${finished} finished`, unit: 'tasks/s', goal: { atLeast: 0.9 } },
        ours: perSecond(data.full),
        peer: { name: `${errand.name} with none`, rounds: perSecond(data.empty) },
      },
    ],
    data,
  });
}
