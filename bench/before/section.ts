import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyThisBuild, unpackBuild } from '../definitions/builds.ts';
import type { Goal } from '../goals.ts';
import { wallClock } from '../latency/clock.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds, type Rounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { type Done, measureBuild, type Running, startBuild } from './running.ts';

/** The loss that is allowed for new features: 3 % (issue 15). */
const RATE = { atLeast: 0.97 };
const DURATION = { atMost: 1.03 };

type Options = {
  /** Tasks that are executed in a round; a fifth of them is submitted one by one. */
  tasks: number;
  rounds: number;
  /** Tasks that are started on an idle queue, in all rounds. */
  repetitions: number;
  /** The commit that is compared with this build. */
  baseline: string;
  /** A folder for the files of both builds, which are removed at the end. */
  temporary: string;
};

/**
 * Measures in turns whether this build is as fast as the one of a commit: an API and a runner of
 * each, as real processes, execute, accept submissions and start single tasks. Throws if the commit
 * is missing, or a process fails.
 */
export async function measureBefore(
  server: BenchServer,
  { tasks, rounds, repetitions, baseline, temporary }: Options,
  log: (line: string) => void,
): Promise<Section> {
  const folder = await mkdtemp(join(temporary, 'errand-bench-'));
  const clock = wallClock();
  const load = { tasks, starts: Math.ceil(repetitions / rounds), clock };
  await using opened = new AsyncDisposableStack();
  // First, because the server is gone if the run is stopped.
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const running: Running[] = [];
  for (const build of [
    await copyThisBuild(join(folder, 'ours')),
    await unpackBuild(baseline, join(folder, 'theirs')),
  ])
    running.push(opened.adopt(await startBuild(server, build), ({ close }) => close()));
  const subjects = running.map((one) => ({ name: one.name, measure: () => measureBuild(one, load) }));
  // To warm up connections, plans and compiled code.
  await inRounds(subjects, 1, (line) => log(`warming up: ${line}`));
  const [ours = [], theirs = []] = await inRounds(subjects, rounds, log);
  return goalSection({
    title: 'Beside an earlier build',
    about:
      `This build and the one of commit ${baseline}, each with one API process, one runner process and ` +
      `its own database, in turns in ${rounds} rounds. ${tasks.toLocaleString('en')} waiting tasks that do nothing are ` +
      'executed; a fifth as many are submitted one by one over 32 connections; and ' +
      `${load.starts.toLocaleString('en')} are started on an idle queue, one after the other: the median from sending to the start.`,
    goals: goalsOf(ours, theirs, baseline),
    data: { tasks, rounds, baseline, ours, theirs },
  });
}

function goalsOf(ours: readonly Done[], theirs: readonly Done[], peer: string): Goal[] {
  const compare = (what: string, unit: string, figure: (done: Done) => number, goal: Goal['goal']): Goal => ({
    ...{ what, unit, goal, ours: ours.map(figure) },
    peer: { name: peer, rounds: theirs.map(figure) satisfies Rounds },
  });
  return [
    compare('execution', 'tasks/s', ({ executedPerSecond }) => executedPerSecond, RATE),
    compare('submission', 'tasks/s', ({ submittedPerSecond }) => submittedPerSecond, RATE),
    compare('start of a handler', 'ms', ({ startMs }) => startMs, DURATION),
  ];
}
