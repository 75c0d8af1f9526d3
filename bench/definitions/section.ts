import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { type Build, copyBuild, copyThisBuild, unpackBuild } from './builds.ts';
import { generateDefinitions, someTask } from './generate.ts';
import { type Compared, goalsOf } from './goals.ts';
import { measureStart, type Start, tryStart, writeDocument } from './start.ts';

/** If the other build takes longer to be ready, it is not measured. */
const LIMIT_MS = 60_000;
/** The limit of this build, which is always measured: the benchmark must end some time. */
const OWN_LIMIT_MS = 600_000;

type Options = {
  /** How many definitions are generated, from few to many. The shipped ones are measured too. */
  counts: readonly number[];
  rounds: number;
  /** The commit that is compared with this build. */
  baseline: string;
  /** A folder for the files of both builds, which are removed at the end. */
  temporary: string;
};

/** A build with so many generated definitions and its own database. */
type Subject = { build: Build; count: number; url: string; documentBytes: number; isReady: boolean };
type Pair = { ours: Subject; theirs: Subject };

/**
 * Measures the cost of definitions in this build and in that of a commit, in turns: the size of the
 * document, and what a real API process needs until it is ready. Throws if the commit is missing,
 * or if an API does not start.
 */
export async function measureDefinitions(
  server: BenchServer,
  { counts, rounds, baseline, temporary }: Options,
  log: (line: string) => void,
): Promise<Section> {
  const folder = await mkdtemp(join(temporary, 'errand-bench-'));
  const databases: string[] = [];
  const prepare = async (shipped: Build, count: number): Promise<Subject> => {
    log(`${shipped.name} gets ${count === 0 ? 'the shipped' : count.toLocaleString('en')} definitions`);
    const { name, url } = await server.freshDatabase();
    databases.push(name);
    const build = count === 0 ? shipped : await withGenerated(shipped, count);
    const limitMs = shipped.name === baseline ? LIMIT_MS : OWN_LIMIT_MS;
    return {
      ...{ build, count, url, documentBytes: await writeDocument(build.folder) },
      isReady: await tryStart(build.folder, url, someTask(count), limitMs),
    };
  };
  try {
    const theirs = await unpackBuild(baseline, join(folder, 'theirs'));
    const ours = await copyThisBuild(join(folder, 'ours'));
    const pairs: Pair[] = [];
    for (const count of [0, ...counts])
      pairs.push({ ours: await prepare(ours, count), theirs: await prepare(theirs, count) });
    const subjects = pairs.flatMap((pair) => [pair.ours, pair.theirs]).filter(({ isReady }) => isReady);
    const starts = await inRounds(subjects.map(toMeasure), rounds, log);
    const compared = pairs.map((pair) => toCompared(pair, (one) => starts[subjects.indexOf(one)] ?? []));
    return toSection(compared, { counts, rounds, baseline });
  } finally {
    // First, because the server is gone if the run is stopped.
    await rm(folder, { recursive: true, force: true });
    for (const name of databases) await server.dropDatabase(name);
  }
}

async function withGenerated(shipped: Build, count: number): Promise<Build> {
  const build = await copyBuild(shipped, `${shipped.folder}-${count}`);
  await generateDefinitions(build, count);
  return build;
}

function toMeasure({ build, count, url }: Subject): { name: string; measure: () => Promise<Start> } {
  return {
    name: `${build.name} starts with ${labelOf(count)}`,
    measure: () => measureStart(build.folder, url),
  };
}

function toCompared({ ours, theirs }: Pair, startsOf: (subject: Subject) => readonly Start[]): Compared {
  const taken = (subject: Subject) => ({
    ...{ count: subject.count, documentBytes: subject.documentBytes, starts: startsOf(subject) },
  });
  return {
    label: labelOf(ours.count),
    ours: taken(ours),
    theirs: theirs.isReady ? taken(theirs) : null,
  };
}

function labelOf(count: number): string {
  return count === 0 ? 'shipped tasks' : `${count.toLocaleString('en')} definitions`;
}

function toSection(
  compared: readonly Compared[],
  { counts, rounds, baseline }: Omit<Options, 'temporary'>,
): Section {
  const late = compared.filter(({ theirs }) => theirs === null).map(({ label }) => label);
  return goalSection({
    title: 'The cost of definitions',
    about:
      `This build and the one of commit ${baseline}, in turns in ${rounds} rounds, with the tasks that each ships and with ` +
      `${counts.map((count) => count.toLocaleString('en')).join(' and ')} generated ones instead, of ten fields ` +
      'each, in files that are the same in both. The document is openapi.yaml. A start is the start of a real API process on ' +
      'a migrated database, until it reports that it is ready: CPU is its user and system time; peak ' +
      'memory (VmHWM) and memory (VmRSS) are read then. Growth is measured from the fewest generated definitions to the most.' +
      (late.length === 0
        ? ''
        : ` With ${late.join(' and ')} ${baseline} was not ready within ${LIMIT_MS / 1_000} s.`),
    goals: goalsOf(compared, baseline),
    data: { counts, rounds, baseline, compared },
  });
}
