import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyThisBuild, unpackBuild } from '../definitions/builds.ts';
import type { Goal } from '../goals.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { type Answered, askFor, CREATIONS_PER_SECOND } from './closed_loop.ts';
import { type FullBuild, startFullBuild } from './full_build.ts';
import { PAGE_SIZE } from './ledger.ts';

/** A read, how many connections ask for it, and how its 99th percentile must compare with the earlier build's. */
type Read = {
  what: string;
  connections: number;
  atMost: number | null;
  path: (build: FullBuild, index: number) => string;
};

const MANY = 32;
const FEW = 8;
/** Lists and figures must have become so much faster (issue 22). */
const LISTS_AT_MOST = 0.3;
const FIGURES_AT_MOST = 0.5;
const MAX_P99_MS = 100;
const WARM_UP_SECS = 1;

export const READS: readonly Read[] = [
  {
    ...{ what: 'first page', connections: MANY, atMost: LISTS_AT_MOST },
    path: () => `/v1/tasks?page_size=${PAGE_SIZE}`,
  },
  {
    ...{ what: 'pages from everywhere', connections: MANY, atMost: LISTS_AT_MOST },
    path: ({ cursors }, index) =>
      `/v1/tasks?page_size=${PAGE_SIZE}&cursor=${cursors[index % cursors.length]}`,
  },
  {
    ...{ what: 'a task', connections: MANY, atMost: null },
    path: ({ ids }, index) => `/v1/tasks/${ids[index % ids.length]}`,
  },
  {
    ...{ what: 'statistics', connections: FEW, atMost: FIGURES_AT_MOST },
    path: () => '/v1/tasks/stats?window_minutes=60',
  },
  {
    ...{ what: 'performance', connections: FEW, atMost: FIGURES_AT_MOST },
    path: () => '/v1/analytics/performance?window_minutes=60',
  },
  {
    ...{ what: 'bottlenecks', connections: FEW, atMost: FIGURES_AT_MOST },
    path: () => '/v1/analytics/bottlenecks?window_minutes=60',
  },
];

type Options = {
  /** Finished tasks in the ledger of each build. */
  tasks: number;
  rounds: number;
  /** How long each build is asked for each read in a round. */
  seconds: number;
  /** The commit that is compared with this build. */
  baseline: string;
  /** A folder for the files of both builds, which are removed at the end. */
  temporary: string;
};

/** The answers of both builds to one read, by round. */
export type Compared = {
  read: Pick<Read, 'what' | 'connections' | 'atMost'>;
  ours: Answered[];
  theirs: Answered[];
};

/**
 * Measures in turns how long this build and the one of a commit let readers wait whose connections are never idle,
 * while tasks are submitted. An API and a runner of each, as real processes. Throws if the commit is missing, or a
 * process or a read fails.
 */
export async function measureReadsBefore(
  server: BenchServer,
  { tasks, rounds, seconds, baseline, temporary }: Options,
  log: (line: string) => void,
): Promise<Section> {
  const folder = await mkdtemp(join(temporary, 'errand-bench-'));
  await using opened = new AsyncDisposableStack();
  // First, because the server is gone if the run is stopped.
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const builds: FullBuild[] = [];
  for (const build of [
    await copyThisBuild(join(folder, 'ours')),
    await unpackBuild(baseline, join(folder, 'theirs')),
  ]) {
    const started = await startFullBuild(server, build, { tasks, connections: MANY }, log);
    builds.push(opened.adopt(started, ({ close }) => close()));
  }
  const compared: Compared[] = [];
  for (const { path, ...read } of READS) {
    const subjects = (secs: number) =>
      builds.map((build) => ({
        name: `${read.what}, ${build.name}`,
        measure: () =>
          askFor(build, { connections: read.connections, path: (index) => path(build, index) }, secs),
      }));
    // To warm up connections, plans and compiled code.
    await inRounds(subjects(Math.min(WARM_UP_SECS, seconds)), 1, (line) => log(`warming up: ${line}`));
    const [ours = [], theirs = []] = await inRounds(subjects(seconds), rounds, log);
    compared.push({ read, ours, theirs });
  }
  return goalSection({
    title: 'Reading beside an earlier build',
    about:
      `This build and the one of commit ${baseline}, each with one API process, one runner process and its own database ` +
      `with ${tasks.toLocaleString('en')} finished tasks of one day, in turns in ${rounds} rounds of ${seconds} s. ` +
      'Each connection asks again as soon as it is answered, so the clients and Postgres have the same cores as ' +
      `the API. Beside the reads ${CREATIONS_PER_SECOND} tasks a second are submitted and executed; creation is the time from when ` +
      'a submission was due to its answer. Times are the 99th percentile of each round. CPU is that of the API and of ' +
      'Postgres for one read, which says more than a time while the machine does other things.',
    goals: goalsOf(compared, baseline),
    data: { tasks, rounds, seconds, baseline, compared },
  });
}

/** Compares each read with the earlier build, holds it against the absolute goal, and shows what creation took. */
export function goalsOf(compared: readonly Compared[], peer: string): Goal[] {
  return compared.flatMap(({ read, ours, theirs }): Goal[] => {
    const { what, connections, atMost } = read;
    const named = `${what}, ${connections} connections, p99`;
    const p99 = (answered: readonly Answered[]) => answered.map(({ reads }) => reads.p99);
    const creation = (answered: readonly Answered[]) => answered.map(({ creations }) => creations.p99);
    return [
      {
        ...{ what: named, unit: 'ms', ours: p99(ours), peer: { name: peer, rounds: p99(theirs) } },
        goal: atMost === null ? null : { atMost },
      },
      { what: named, unit: 'ms', ours: p99(ours), peer: null, goal: { atMost: MAX_P99_MS } },
      {
        ...{ what: `creation beside ${what}, p99`, unit: 'ms', ours: creation(ours), goal: null },
        peer: { name: peer, rounds: creation(theirs) },
      },
      {
        ...{ what: `CPU of ${what}`, unit: 'ms', ours: ours.map(({ cpuMs }) => cpuMs), goal: null },
        peer: { name: peer, rounds: theirs.map(({ cpuMs }) => cpuMs) },
      },
    ];
  });
}
