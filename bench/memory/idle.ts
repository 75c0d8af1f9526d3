import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Build, copyThisBuild, unpackBuild } from '../definitions/builds.ts';
import type { Goal } from '../goals.ts';
import { startApi, startRunner } from '../queues/errand.ts';
import { inRounds, type Rounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { readMemory } from './usage.ts';

/** Long enough for the first heartbeats and readings, which load the last code. */
const IDLE_MS = 5_000;
/** Issue 21. */
const MAX_SHARE = 0.6;

export type IdleOptions = {
  rounds: number;
  /** The commit that is compared with this build. */
  baseline: string;
  /** A folder for the files of both builds, which are removed at the end. */
  temporary: string;
};

/** The resident memory of idle processes, in MB. */
type Idle = { apiMb: number; runnerMb: number };

/**
 * Measures in turns the resident memory of an idle API and an idle runner, of this build and of that of
 * a commit. In each round both processes are started again. Throws if the commit is missing, or a process
 * fails.
 */
export async function measureIdle(
  server: BenchServer,
  { rounds, baseline, temporary }: IdleOptions,
  log: (line: string) => void,
): Promise<Goal[]> {
  const folder = await mkdtemp(join(temporary, 'errand-bench-'));
  await using opened = new AsyncDisposableStack();
  // First, because the server is gone if the run is stopped.
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const subjects: { name: string; measure: () => Promise<Idle> }[] = [];
  for (const build of [
    await copyThisBuild(join(folder, 'ours')),
    await unpackBuild(baseline, join(folder, 'theirs')),
  ]) {
    const { name, url } = await server.freshDatabase();
    opened.defer(() => server.dropDatabase(name));
    subjects.push({ name: build.name, measure: () => readIdle(build, url) });
  }
  // The first start migrates the database, and Node compiles the code and keeps it.
  await inRounds(subjects, 1, (line) => log(`idle memory, first start: ${line}`));
  const [ours = [], theirs = []] = await inRounds(subjects, rounds, (line) => log(`idle memory: ${line}`));
  const compare = (what: string, figure: (idle: Idle) => number): Goal => ({
    ...{ what, unit: 'MB', goal: { atMost: MAX_SHARE }, ours: ours.map(figure) },
    peer: { name: baseline, rounds: theirs.map(figure) satisfies Rounds },
  });
  return [
    compare('memory of an idle API', ({ apiMb }) => apiMb),
    compare('memory of an idle runner', ({ runnerMb }) => runnerMb),
  ];
}

async function readIdle({ folder }: Build, url: string): Promise<Idle> {
  const api = await startApi(url, {}, folder);
  try {
    const runner = await startRunner(url, {}, folder);
    try {
      await pause(IDLE_MS);
      const [ofApi, ofRunner] = await Promise.all(
        [api, runner].map(({ process: { pid }, base }) => readMemory({ pid, base })),
      );
      return { apiMb: ofApi?.residentMb ?? Number.NaN, runnerMb: ofRunner?.residentMb ?? Number.NaN };
    } finally {
      await runner.process.stop();
    }
  } finally {
    await api.process.stop();
  }
}
