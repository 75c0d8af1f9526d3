import { benchPool, errand } from '../queues/errand.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { openWaiting, type Waiting } from './waiting.ts';

/**
 * Measures how fast tasks are executed while few and while many others wait, each in its own
 * database. Throws if tasks cannot be submitted.
 */
export async function measureBacklog(
  server: BenchServer,
  { tasks, few, many, rounds }: { tasks: number; few: number; many: number; rounds: number },
  log: (line: string) => void,
): Promise<Section> {
  const opened: { waiting: Waiting; close(): Promise<void> }[] = [];
  try {
    const subjects = [];
    for (const count of [few, many]) {
      const one = await open(server);
      opened.push(one);
      log(`${count.toLocaleString('en')} waiting tasks`);
      // Warms up and fills the queue. Each round fills it again.
      await one.waiting.executeSome(tasks, count);
      subjects.push({
        name: `${errand.name} executes while ${count.toLocaleString('en')} wait`,
        measure: () => one.waiting.executeSome(tasks, count),
      });
    }
    const [withFew = [], withMany = []] = await inRounds(subjects, rounds, log);
    return toSection({ tasks, few, many, withFew, withMany });
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

type Data = { tasks: number; few: number; many: number; withFew: number[]; withMany: number[] };

function toSection(data: Data): Section {
  const [few, many] = [data.few.toLocaleString('en'), data.many.toLocaleString('en')];
  return goalSection({
    title: 'Executing while many tasks wait',
    about:
      `One runner executes ${data.tasks.toLocaleString('en')} tasks, measured from the first start to the last end by the ledger's times, ` +
      `while ${many} wait, and while ${few} wait. Executed tasks are replaced by new submissions meanwhile, which costs both the same. ` +
      'In turns, each in its own database, which is filled up before each round.',
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
