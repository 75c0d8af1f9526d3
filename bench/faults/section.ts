import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { type Build, copyThisBuild, unpackBuild } from '../definitions/builds.ts';
import type { Goal } from '../goals.ts';
import { openClient } from '../http/client.ts';
import { benchPool, startApi } from '../queues/errand.ts';
import type { Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { keepAsking, PER_SECOND } from './asking.ts';
import { FAULTS, type Fault } from './faults.ts';
import { type Waits, waitsOf } from './waits.ts';

/** Twenty times as fast (issue 15). */
const WAIT = { atMost: 1 / 20 };
/** After this many answers connections, plans and compiled code are warm. */
const WARM_UP = 2 * PER_SECOND;
/** Connections of the client that does harm. */
const CONNECTIONS = 20;
/** In production the example tasks do not exist; in tests each answer is checked. */
const ENVIRONMENT = { NODE_ENV: 'development' };

type Options = {
  /** How long each fault lasts. */
  holdMs: number;
  /** The commit that is compared with this build. */
  baseline: string;
  /** A folder for the files of both builds, which are removed at the end. */
  temporary: string;
};

/** The waits under a fault, and the load average of the machine. */
type Met = Waits & { load: number };
type Compared = { fault: string; ours: Met; theirs: Met };

/**
 * Measures how long one client waits for small requests while another does harm, in this build and
 * in that of a commit, one after the other. Throws if the commit is missing, or if an API does not
 * recover from a fault.
 */
export async function measureFaults(
  server: BenchServer,
  { holdMs, baseline, temporary }: Options,
  log: (line: string) => void,
): Promise<Section> {
  const folder = await mkdtemp(join(temporary, 'errand-bench-'));
  try {
    const builds = [
      await copyThisBuild(join(folder, 'ours')),
      await unpackBuild(baseline, join(folder, 'theirs')),
    ];
    const compared: Compared[] = [];
    for (const fault of FAULTS) {
      const subjects = builds.map((build) => ({
        name: `${fault.name}: ${build.name}`,
        measure: () => meet(server, build, fault, holdMs),
      }));
      const [[ours] = [], [theirs] = []] = await inRounds(subjects, 1, log);
      if (ours !== undefined && theirs !== undefined) compared.push({ fault: fault.name, ours, theirs });
    }
    return toSection(compared, holdMs, baseline);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs an API of a build under a fault, on its own database. */
async function meet(server: BenchServer, { folder }: Build, fault: Fault, holdMs: number): Promise<Met> {
  await using opened = new AsyncDisposableStack();
  const { name, url } = await server.freshDatabase();
  opened.defer(() => server.dropDatabase(name));
  const api = await startApi(url, ENVIRONMENT, folder);
  opened.defer(() => api.process.stop());
  const pool = opened.adopt(benchPool(url), (one) => one.end());
  const harm = opened.adopt(openClient(api.base, CONNECTIONS), (one) => one.close());
  const asking = opened.adopt(keepAsking(api.base, fault.question), async (one) => {
    // The error was thrown to the code that waited for it.
    await one.stop().catch(() => {});
  });
  await asking.untilServed(0, WARM_UP);
  const end = await fault.inflict(pool, harm);
  const from = performance.now();
  // If the server is gone, the end of the fault fails as well, and frees the connection that the
  // pool waits for.
  await asking.continuesFor(holdMs).catch((error: unknown) => end().finally(() => Promise.reject(error)));
  const to = performance.now();
  const [over] = await Promise.all([asking.untilServed(to, 1), end()]);
  return { ...waitsOf(await asking.stop(), { from, to, over }), load: loadavg()[0] ?? Number.NaN };
}

function toSection(compared: readonly Compared[], holdMs: number, baseline: string): Section {
  return {
    title: 'Waiting under faults',
    about:
      `How long one client waits for small requests while another client does harm, in this build and in that of commit ${baseline}: ` +
      `each with one API process and its own database, one after the other, once. A fault lasts ${holdMs / 1_000} s. ` +
      'An open transaction: an application submits by SQL in a transaction and keeps it open, and the same is submitted over HTTP; ' +
      'the measured requests are single submissions. Costly reads: ten reads of statistics wait for a lock, more than there are connections for reads; ' +
      `the measured requests are lists of one task. ${PER_SECOND} requests a second, whether or not the earlier ones are answered; their times count ` +
      'from when each was due. A request that is refused or fails (5xx, 408, 429) counts as waiting until the fault is over and a request ' +
      'that was sent after it has a good answer. A ratio of 0.05 is twenty times as fast.',
    goals: compared.flatMap(({ fault, ours, theirs }): Goal[] => [
      goal(`${fault}: longest wait`, baseline, ours.worstMs, theirs.worstMs),
      goal(`${fault}: p99 of waiting`, baseline, ours.p99Ms, theirs.p99Ms),
    ]),
    head: ['fault', 'build', 'requests', 'refused', 'load average'],
    rows: compared.flatMap(({ fault, ours, theirs }) => [
      row(fault, 'Errand', ours),
      row(fault, baseline, theirs),
    ]),
    data: { holdMs, baseline, compared },
  };
}

function goal(what: string, peer: string, ours: number, theirs: number): Goal {
  return { what, unit: 'ms', goal: WAIT, ours: [ours], peer: { name: peer, rounds: [theirs] } };
}

function row(fault: string, build: string, { asked, refused, load }: Met): string[] {
  return [fault, build, String(asked), String(refused), load.toFixed(1)];
}
