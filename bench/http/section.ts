import type { Goal } from '../goals.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds, type Rounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { BATCH, openBoss, submitBatches } from './batches.ts';
import {
  CONNECTIONS,
  DATABASE_POOL_SIZE,
  openApi,
  openBareExpress,
  type Submitted,
  submitSingly,
} from './single.ts';

/** Single submissions and batches of each round, and the number of rounds. */
export type HttpScale = { requests: number; batches: number; rounds: number };

/**
 * Measures the cost of submitting over HTTP, compared with the least possible cost: single
 * submissions with Express and one INSERT, batches with pg-boss in process. Throws if an answer is
 * not as expected.
 */
export async function measureHttp(
  server: BenchServer,
  scale: HttpScale,
  log: (line: string) => void,
): Promise<Section> {
  const single = await measureSingle(server, scale, log);
  const batches = await measureBatches(server, scale, log);
  return goalSection({
    title: 'Submitting over HTTP',
    about:
      `Single submissions: ${scale.requests.toLocaleString('en')} per round over ${CONNECTIONS} connections that ` +
      'are kept alive; each answer is read and checked. Express gets the same requests, checks nothing and does one ' +
      'INSERT into a table that has only a primary key. Both are separate processes, log only warnings and ' +
      `use ${DATABASE_POOL_SIZE} connections to Postgres. Batches: ${scale.batches} of ` +
      `${BATCH.toLocaleString('en')} per round, one at a time; pg-boss sends them to Postgres without HTTP. ` +
      'Nothing executes meanwhile, both sides are warm, and they take turns.',
    goals: [...singleGoals(single), batchGoal(batches)],
    data: { scale, single, batches },
  });
}

type BySide<Measured> = { errand: Measured; peer: Measured };

async function measureSingle(
  server: BenchServer,
  { requests, rounds }: HttpScale,
  log: (line: string) => void,
): Promise<BySide<Submitted[]>> {
  await using opened = new AsyncDisposableStack();
  const api = opened.adopt(await openApi(server), ({ close }) => close());
  const bare = opened.adopt(await openBareExpress(server), ({ close }) => close());
  return await inBothRounds(
    { name: 'single submissions to Errand', measure: () => submitSingly(server, api, requests) },
    { name: 'the same to Express with one INSERT', measure: () => submitSingly(server, bare, requests) },
    { rounds, log },
  );
}

async function measureBatches(
  server: BenchServer,
  { batches, rounds }: HttpScale,
  log: (line: string) => void,
): Promise<BySide<number[]>> {
  await using opened = new AsyncDisposableStack();
  const api = opened.adopt(await openApi(server), ({ close }) => close());
  const boss = opened.adopt(await openBoss(server), ({ close }) => close());
  return await inBothRounds(
    { name: 'batches to Errand over HTTP', measure: () => submitBatches(api.client, batches) },
    { name: 'insert of pg-boss in process', measure: () => boss.insert(batches) },
    { rounds, log },
  );
}

type Side<Measured> = { name: string; measure: () => Promise<Measured> };

/** One round before those that count, to warm up connections, plans and compiled code. */
async function inBothRounds<Measured>(
  errand: Side<Measured>,
  peer: Side<Measured>,
  { rounds, log }: { rounds: number; log: (line: string) => void },
): Promise<BySide<Measured[]>> {
  for (const { name, measure } of [errand, peer]) {
    log(`${name}, warming up`);
    await measure();
  }
  const [ours = [], theirs = []] = await inRounds([errand, peer], rounds, log);
  return { errand: ours, peer: theirs };
}

function singleGoals({ errand, peer }: BySide<Submitted[]>): Goal[] {
  const beside = (pick: (submitted: Submitted) => number): { ours: Rounds; peer: Goal['peer'] } => ({
    ours: errand.map(pick),
    peer: { name: 'Express with one INSERT', rounds: peer.map(pick) },
  });
  return [
    {
      what: `single submissions, ${CONNECTIONS} connections`,
      unit: 'requests/s',
      ...beside(({ perSecond }) => perSecond),
      goal: { atLeast: 0.7 },
    },
    {
      what: 'CPU of a single submission, server and Postgres',
      unit: 'CPU s per 1,000',
      ...beside(({ nodeCpu, postgresCpu }) => nodeCpu + postgresCpu),
      goal: null,
    },
  ];
}

function batchGoal({ errand, peer }: BySide<number[]>): Goal {
  return {
    what: `batches of ${BATCH.toLocaleString('en')}`,
    unit: 'tasks/s',
    ours: errand,
    peer: { name: 'pg-boss insert in process', rounds: peer },
    goal: { atLeast: 0.7 },
  };
}
