import { benchPool, errand } from '../queues/errand.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { openWaiting, type Waiting } from './waiting.ts';

/**
 * Measures how fast tasks are executed while few and while many others wait, in a database each. As many are executed
 * in a round as `few`. Throws when a task can't be filled in.
 */
export async function measureBacklog(
  server: BenchServer,
  { few, many, rounds }: { few: number; many: number; rounds: number },
  tell: (line: string) => void,
): Promise<Section> {
  const opened: { waiting: Waiting; close(): Promise<void> }[] = [];
  try {
    const subjects = [];
    for (const count of [few, many]) {
      const one = await open(server);
      opened.push(one);
      tell(`${count.toLocaleString('en')} tasks that wait`);
      // Warm, and filled: what the rounds take is filled in again.
      await one.waiting.executeSome(few, count);
      subjects.push({
        name: `${errand.name} executes while ${count.toLocaleString('en')} wait`,
        measure: () => one.waiting.executeSome(few, count),
      });
    }
    const [withFew = [], withMany = []] = await inRounds(subjects, rounds, tell);
    return toSection({ few, many, withFew, withMany });
  } finally {
    for (const { close } of opened) await close();
  }
}

async function open(server: BenchServer): Promise<{ waiting: Waiting; close(): Promise<void> }> {
  const database = await server.freshDatabase();
  const pool = benchPool(database.url);
  const waiting = await openWaiting(database, pool);
  return {
    waiting,
    async close() {
      await waiting.close();
      await pool.end();
      await server.dropDatabase(database.name);
    },
  };
}

function toSection(data: { few: number; many: number; withFew: number[]; withMany: number[] }): Section {
  const [few, many] = [data.few.toLocaleString('en'), data.many.toLocaleString('en')];
  return goalSection({
    title: 'Executing while many tasks wait',
    about:
      `One runner executes ${few} tasks, from the first start to the last end by the ledger's own times, while on ` +
      `average ${many} wait, and while ${few} wait; by turns, in a database each that is filled up before each round.`,
    goals: [
      {
        ...{ what: `execution while ${many} wait`, unit: 'tasks/s', goal: { atLeast: 0.9 } },
        ours: data.withMany,
        peer: { name: `${errand.name} while ${few} wait`, rounds: data.withFew },
      },
    ],
    data,
  });
}
