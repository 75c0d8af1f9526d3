import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Executed, executed, withQueue } from '../execute/measure.ts';
import { errand } from '../queues/errand.ts';
import { graphileWorker } from '../queues/graphile_worker.ts';
import { pgBoss } from '../queues/pg_boss.ts';
import type { QueueKind } from '../queues/queue.ts';
import type { Section } from '../report.ts';
import type { BenchServer } from '../server.ts';
import { readProfile, sharesByPlace } from './node.ts';
import { type StatementTime, statementsDuring } from './statements.ts';

const KINDS: readonly QueueKind[] = [errand, graphileWorker, pgBoss];
/** How many places and statements of each queue are shown, the most expensive ones. */
const SHOWN = { places: 8, statements: 5 };
/** Statements that take less time per task are not shown. */
const MIN_MS = 0.000_1;

type Profile = {
  name: string;
  executed: Executed;
  /** Shares of the CPU time of Node. */
  places: [place: string, share: number][];
  statements: StatementTime[];
};

/** Profiles the execution of each queue: its process by packages, and Postgres by statements. */
export async function measureProfile(
  server: BenchServer,
  { tasks }: { tasks: number },
  log: (line: string) => void,
): Promise<Section> {
  const profiles: Profile[] = [];
  for (const kind of KINDS) {
    log(`${kind.name}, profiled`);
    profiles.push(await profile(server, kind, tasks));
  }
  return toSection(profiles, tasks);
}

async function profile(server: BenchServer, kind: QueueKind, tasks: number): Promise<Profile> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-profile-'));
  const { NODE_OPTIONS: own } = process.env;
  // The processes of the queue inherit it, and write their profiles when they end.
  process.env.NODE_OPTIONS = `${own ?? ''} --cpu-prof --cpu-prof-dir=${directory}`;
  try {
    const { span, ...measured } = await withQueue(server, kind, { tasks, processes: 1 }, async (queue) => {
      await queue.fill(tasks);
      const { result, statements } = await statementsDuring(server, String(queue.database), async () => {
        const from = nowUs();
        return { executed: await executed(server, queue, tasks), span: { from, to: nowUs() } };
      });
      return { ...result, statements };
    });
    const shares = sharesByPlace(await readProfile(directory), span);
    return { name: kind.name, ...measured, places: [...shares].sort(([, a], [, b]) => b - a) };
  } finally {
    if (own === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = own;
    await rm(directory, { recursive: true, force: true });
  }
}

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

function toSection(profiles: readonly Profile[], tasks: number): Section {
  return {
    title: 'Where the time of executing goes',
    about:
      `${tasks.toLocaleString('en')} tasks that do nothing, executed by one process, once for each queue, with the profiler on, ` +
      'so the sums are a little larger than without it. For Node it is CPU time, by the caller: folders of this repository, ' +
      'and packages. For Postgres it is the total CPU time, and for each statement its own time, which includes waiting for a core and ' +
      'excludes parsing, commits and the connection.',
    head: ['queue', 'where', 'us per task', 'calls per 1,000'],
    rows: profiles.flatMap((one) => rowsOf(one, tasks)),
    data: { tasks, profiles },
  };
}

function rowsOf({ name, executed: { nodeCpu, postgresCpu }, places, statements }: Profile, tasks: number) {
  // CPU seconds per 1,000 are ms per task.
  const nodeUs = nodeCpu * 1_000;
  return [
    [name, 'Node', figure(nodeUs), ''],
    ...places
      .slice(0, SHOWN.places)
      .map(([place, share]) => [name, `- ${place}`, figure(share * nodeUs), '']),
    [name, 'Postgres', figure(postgresCpu * 1_000), ''],
    ...statements
      .filter(({ ms }) => ms > tasks * MIN_MS)
      .slice(0, SHOWN.statements)
      .map(({ statement, calls, ms }) => [
        ...[name, `- ${statement}`, figure((ms * 1_000) / tasks)],
        figure((calls * 1_000) / tasks),
      ]),
  ];
}

function figure(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}
