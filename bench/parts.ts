import { tmpdir } from 'node:os';
import { measureBatches } from './batches/section.ts';
import { measureBefore } from './before/section.ts';
import { measureDashboard } from './dashboard/section.ts';
import { measureDefinitions } from './definitions/section.ts';
import { measureBacklog } from './execute/backlog.ts';
import { measureInLedger } from './execute/ledger.ts';
import { measureOneByOne } from './execute/one_by_one.ts';
import { measureRunners } from './execute/runners.ts';
import { measureExecute } from './execute/section.ts';
import { measureFaults } from './faults/section.ts';
import { measureHttp } from './http/section.ts';
import { measureLatency } from './latency/section.ts';
import { measureLimits } from './limits/section.ts';
import { measureMemory } from './memory/section.ts';
import { measureMix } from './mix/section.ts';
import type { BenchOptions, PartName } from './options.ts';
import { measureProfile } from './profile/section.ts';
import { measureReadsBefore } from './reads/before.ts';
import { type Ledger, makeLedger } from './reads/ledger.ts';
import { measureReads } from './reads/section.ts';
import { measureRecovery } from './recovery/section.ts';
import type { Section } from './report.ts';
import { measureSchedules } from './schedules/section.ts';
import { type BenchServer, FOR_LARGE_FILLS } from './server.ts';
import { measureStreams } from './streams/section.ts';
import { measureWorkflows } from './workflows/section.ts';

/**
 * Parts that submit tasks one by one, or execute them while others wait, use this fraction of the
 * tasks of a round.
 */
const SMALLER = 5;
const BATCH = 1_000;
const DEFAULTS = {};
/**
 * The build that this one is compared with: the last one before definitions became cheaper (issue
 * 14) and faults were bounded (issue 15).
 */
const BASELINE = 'b0c990b';
/** The last build without limits (issue 19). */
const BEFORE_LIMITS = 'a61074c';
/** Of limits: as many as issue 19 asks for. */
const KEYS = 10_000;
const EARLIER = { baseline: BASELINE, temporary: tmpdir() };

/** Shared by the parts with the same Postgres settings: the server and the databases on it. */
export type Bench = {
  server: BenchServer;
  options: BenchOptions;
  /** A database with so many finished tasks, made on first use. */
  ledger(tasks: number): Promise<Ledger>;
  log(line: string): void;
};

type Part = {
  /** The settings of the Postgres that it is measured on. */
  settings: Record<string, string>;
  measure(bench: Bench): Promise<Section>;
};

export type Parts = Readonly<Record<PartName, Part>>;

/** Makes a bench on a server. `close` closes the databases that its parts have shared. */
export function onServer(
  server: BenchServer,
  options: BenchOptions,
  log: (line: string) => void,
): { bench: Bench; close(): Promise<void> } {
  const ledgers = new Map<number, Promise<Ledger>>();
  function ledger(tasks: number): Promise<Ledger> {
    const made = ledgers.get(tasks) ?? makeLedger(server, tasks, log);
    ledgers.set(tasks, made);
    return made;
  }
  return {
    bench: { server, options, ledger, log },
    async close() {
      for (const made of await Promise.allSettled(ledgers.values())) {
        if (made.status === 'fulfilled') await made.value.close();
      }
    },
  };
}

/**
 * How each part is measured. `ledger` comes after `reads`, because it leaves its tasks in the
 * database that `reads` reads.
 */
export const PARTS: Parts = {
  execute: plain(({ server, options, log }) => measureExecute(server, options, log)),
  'one-by-one': plain(({ server, options, log }) => measureOneByOne(server, smaller(options), log)),
  runners: plain(({ server, options: { tasks, rounds, isQuick }, log }) => {
    const waiting = isQuick ? tasks : smaller({ tasks, rounds }).tasks;
    return measureRunners(server, { tasks, waiting, rounds }, log);
  }),
  mix: plain(({ server, options, log }) => measureMix(server, smaller(options), log)),
  backlog: plain(({ server, options, log }) => {
    const { isQuick, tasks, rounds } = options;
    const few = isQuick ? tasks : smaller(options).tasks;
    return measureBacklog(server, { tasks, few, many: few * (isQuick ? 10 : 100), rounds }, log);
  }),
  http: plain(({ server, options, log }) => {
    const { tasks: requests, rounds } = smaller(options);
    return measureHttp(server, { requests, batches: Math.ceil(options.tasks / BATCH), rounds }, log);
  }),
  latency: plain(({ server, options: { repetitions }, log }) =>
    measureLatency(server, { repetitions, ...EARLIER }, log),
  ),
  memory: plain(({ server, options: { tasks, rounds }, log }) =>
    measureMemory(server, { tasks: tasks * 10, rounds, ...EARLIER }, log),
  ),
  recovery: plain(({ server, options, log }) =>
    measureRecovery(server, { rounds: options.isQuick ? 1 : options.rounds }, log),
  ),
  workflows: plain(({ server, options: { repetitions, rounds, tasks }, log }) => {
    const sizes = { many: 1_000, tasks: Math.max(tasks, 20_000) };
    return measureWorkflows(server, { repetitions, rounds, ...sizes, ...EARLIER }, log);
  }),
  batches: plain(({ server, options, log }) => measureBatches(server, smaller(options), log)),
  schedules: plain(({ server, options: { isQuick }, log }) => {
    const sizes = { schedules: 10_000, due: 100, perMinute: 20 };
    const times = isQuick
      ? { ticks: 3, idleMs: 10_000, minutes: 1 }
      : { ticks: 10, idleMs: 30_000, minutes: 3 };
    return measureSchedules(server, { ...sizes, ...times }, log);
  }),
  limits: plain(({ server, options: { isQuick, tasks, rounds }, log }) => {
    const sizes = isQuick ? { handOvers: 500, others: 3 } : { handOvers: 2_000, others: 9 };
    // Fewer tasks would have fewer keys.
    const load = { tasks: Math.max(tasks, KEYS), keys: KEYS, backlog: 100_000, rounds };
    return measureLimits(server, { ...load, ...sizes, ...EARLIER, baseline: BEFORE_LIMITS }, log);
  }),
  dashboard: plain(({ server, options: { isQuick }, log }) => {
    const sizes = isQuick
      ? { jobs: 10_000, rounds: 3, seconds: 5 }
      : { jobs: 100_000, rounds: 15, seconds: 20 };
    return measureDashboard(server, { ...sizes, changesPerSecond: 100 }, log);
  }),
  streams: plain(({ server, options: { tasks, rounds }, log }) =>
    measureStreams(server, { tasks, readers: 20, rounds }, log),
  ),
  definitions: plain(({ server, options: { isQuick, rounds }, log }) => {
    const counts = isQuick ? [100, 300] : [300, 1_000];
    const options = { counts, rounds, baseline: BASELINE, temporary: tmpdir() };
    return measureDefinitions(server, options, log);
  }),
  before: plain(({ server, options: { tasks, rounds, repetitions }, log }) => {
    const options = { tasks, rounds, repetitions, baseline: BASELINE, temporary: tmpdir() };
    return measureBefore(server, options, log);
  }),
  'reads-before': plain(({ server, options: { isQuick, small, rounds }, log }) => {
    const options = { tasks: small, rounds, seconds: isQuick ? 3 : 10 };
    return measureReadsBefore(server, { ...options, baseline: BASELINE, temporary: tmpdir() }, log);
  }),
  faults: plain(({ server, options: { isQuick }, log }) => {
    const options = { holdMs: isQuick ? 5_000 : 15_000, baseline: BASELINE, temporary: tmpdir() };
    return measureFaults(server, options, log);
  }),
  profile: plain(({ server, options, log }) => measureProfile(server, options, log)),
  reads: withMany(async ({ options, ledger, log }) =>
    measureReads([await ledger(options.small), await ledger(options.large)], options, log),
  ),
  ledger: withMany(async ({ server, options, ledger, log }) => {
    const { database, tasks } = await ledger(options.large);
    return measureInLedger(server, { ...database, tasks }, options, log);
  }),
};

function plain(measure: Part['measure']): Part {
  return { settings: DEFAULTS, measure };
}

function withMany(measure: Part['measure']): Part {
  return { settings: FOR_LARGE_FILLS, measure };
}

function smaller({ tasks, rounds }: Pick<BenchOptions, 'tasks' | 'rounds'>): {
  tasks: number;
  rounds: number;
} {
  return { tasks: Math.ceil(tasks / SMALLER), rounds };
}
