import type { Pool } from 'pg';
import { expireTasks } from '../../runner/retention.ts';
import { inTransaction } from '../../store/transaction.ts';
import { benchPool, errand, errandOver, NO_OP } from '../queues/errand.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { type Executed, executed, warmUp } from './measure.ts';
import { vacuum } from './waiting.ts';

/** As runners have it with their defaults. */
const RETENTION_HOURS = 24;
/** A page holds some fifteen of the tasks that a ledger is filled with, and has room for one or two smaller ones. */
const TASKS_PER_GAP = 10;

/** A database that is there, and how many finished tasks it holds. */
type Filled = { name: string; url: string; tasks: number };

/**
 * Measures how fast tasks are executed in a database full of finished tasks, beside an empty one. It leaves what it
 * has executed in the full one. Throws when a runner fails.
 */
export async function measureInLedger(
  server: BenchServer,
  full: Filled,
  { tasks, rounds }: { tasks: number; rounds: number },
  tell: (line: string) => void,
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
    const [inFull = [], inEmpty = []] = await inRounds(subjects, rounds, tell);
    return toSection({ finished: full.tasks, tasks, full: inFull, empty: inEmpty });
  } finally {
    for (const { close } of opened) await close();
    await server.dropDatabase(empty.name);
  }
}

async function open(server: BenchServer, filled: Filled, tasks: number) {
  const pool = benchPool(filled.url);
  const queue = await errandOver(filled, 1);
  // What a day's ledger has lost while it was filled and read; runners would have deleted it bit by bit.
  await expireTasks(pool, RETENTION_HOURS, new AbortController().signal);
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
 * Puts as many finished tasks in as small as those that will be executed. Without them the first ones to be executed
 * would fill the gaps that larger ones have left in the pages: each would have a page read, and logged whole. A ledger
 * in which such tasks are executed has no gaps of their size any more.
 */
async function fillGaps(pool: Pool, tasks: number): Promise<void> {
  await vacuum(pool);
  await inTransaction(pool, async (client) => {
    // Nobody is to be told of them.
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
      `${data.tasks.toLocaleString('en')} tasks that wait are executed by one runner, in a database with ${finished} finished tasks ` +
      'and in one that began empty, by turns. There is no autovacuum on this Postgres: both are vacuumed before each round. ' +
      'What has expired meanwhile is deleted before; from then on the runner does, as ever. Besides, the full one holds a ' +
      'tenth as many small finished tasks, so that its pages have no gaps that the first thousands would be scattered over.',
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
