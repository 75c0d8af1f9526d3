import { tmpdir } from 'node:os';
import { measureDefinitions } from './definitions/section.ts';
import { measureBacklog } from './execute/backlog.ts';
import { measureInLedger } from './execute/ledger.ts';
import { measureOneByOne } from './execute/one_by_one.ts';
import { measureRunners } from './execute/runners.ts';
import { measureExecute } from './execute/section.ts';
import { measureHttp } from './http/section.ts';
import { measureLatency } from './latency/section.ts';
import { measureMemory } from './memory/section.ts';
import { measureMix } from './mix/section.ts';
import type { BenchOptions, PartName } from './options.ts';
import { measureProfile } from './profile/section.ts';
import { type Ledger, makeLedger } from './reads/ledger.ts';
import { measureReads } from './reads/section.ts';
import { measureRecovery } from './recovery/section.ts';
import type { Section } from './report.ts';
import { type BenchServer, FOR_LARGE_FILLS } from './server.ts';
import { measureWorkflows } from './workflows/section.ts';

/** Tasks that come one by one, over HTTP or that are executed while others wait: this part of those in a round. */
const SMALLER = 5;
const BATCH = 1_000;
const AS_IT_IS = {};
/** The build that definitions are compared to: the last one before they were made cheaper (issue 14). */
const BASELINE = 'b0c990b';

/** What parts are measured with: the server of those with the same settings, and what they share on it. */
export type Bench = {
  server: BenchServer;
  options: BenchOptions;
  /** A database of so many finished tasks, made when it is first asked for. */
  ledger(tasks: number): Promise<Ledger>;
  tell(line: string): void;
};

type Part = {
  /** Of the Postgres that it is measured on. */
  settings: Record<string, string>;
  measure(bench: Bench): Promise<Section>;
};

export type Parts = Readonly<Record<PartName, Part>>;

/** A bench on a server, and what ends what its parts have shared. */
export function onServer(
  server: BenchServer,
  options: BenchOptions,
  tell: (line: string) => void,
): { bench: Bench; close(): Promise<void> } {
  const ledgers = new Map<number, Promise<Ledger>>();
  function ledger(tasks: number): Promise<Ledger> {
    const made = ledgers.get(tasks) ?? makeLedger(server, tasks, tell);
    ledgers.set(tasks, made);
    return made;
  }
  return {
    bench: { server, options, ledger, tell },
    async close() {
      for (const made of await Promise.allSettled(ledgers.values())) {
        if (made.status === 'fulfilled') await made.value.close();
      }
    },
  };
}

/** How each part is measured. `ledger` leaves what it executed in the database that `reads` reads, so it comes after it. */
export const PARTS: Parts = {
  execute: plain(({ server, options, tell }) => measureExecute(server, options, tell)),
  'one-by-one': plain(({ server, options, tell }) => measureOneByOne(server, smaller(options), tell)),
  runners: plain(({ server, options, tell }) => measureRunners(server, options, tell)),
  mix: plain(({ server, options, tell }) => measureMix(server, smaller(options), tell)),
  backlog: plain(({ server, options, tell }) => {
    const { isQuick, tasks, rounds } = options;
    const few = isQuick ? tasks : smaller(options).tasks;
    return measureBacklog(server, { tasks, few, many: few * (isQuick ? 10 : 100), rounds }, tell);
  }),
  http: plain(({ server, options, tell }) => {
    const { tasks: requests, rounds } = smaller(options);
    return measureHttp(server, { requests, batches: Math.ceil(options.tasks / BATCH), rounds }, tell);
  }),
  latency: plain(({ server, options, tell }) => measureLatency(server, options, tell)),
  memory: plain(({ server, options, tell }) => measureMemory(server, { tasks: options.tasks * 10 }, tell)),
  recovery: plain(({ server, options, tell }) =>
    measureRecovery(server, { rounds: options.isQuick ? 1 : options.rounds }, tell),
  ),
  workflows: plain(({ server, options, tell }) => measureWorkflows(server, options.repetitions, tell)),
  definitions: plain(({ server, options: { isQuick, rounds }, tell }) => {
    const counts = isQuick ? [100, 300] : [300, 1_000];
    const options = { counts, rounds, baseline: BASELINE, temporary: tmpdir() };
    return measureDefinitions(server, options, tell);
  }),
  profile: plain(({ server, options, tell }) => measureProfile(server, options, tell)),
  reads: withMany(async ({ options, ledger, tell }) =>
    measureReads([await ledger(options.small), await ledger(options.large)], options, tell),
  ),
  ledger: withMany(async ({ server, options, ledger, tell }) => {
    const { database, tasks } = await ledger(options.large);
    return measureInLedger(server, { ...database, tasks }, options, tell);
  }),
};

function plain(measure: Part['measure']): Part {
  return { settings: AS_IT_IS, measure };
}

function withMany(measure: Part['measure']): Part {
  return { settings: FOR_LARGE_FILLS, measure };
}

function smaller({ tasks, rounds }: BenchOptions): { tasks: number; rounds: number } {
  return { tasks: Math.ceil(tasks / SMALLER), rounds };
}
