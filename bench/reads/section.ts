import type { Section } from '../report.ts';
import { type Durations, LIMIT, timeByTurns, timed } from '../timing.ts';
import { goalsOf } from './goals.ts';
import type { Ledger } from './ledger.ts';
import { LOAD, type Load, measureLoad } from './load.ts';
import { MEASUREMENTS } from './measurements.ts';

const REPETITIONS_PER_LOAD_SEC = 10;

/**
 * One read, through the store or over HTTP, in the database with few tasks and in the one with
 * many.
 */
type Read = {
  name: string;
  by: 'store' | 'HTTP';
  run: (ledger: Ledger) => Promise<unknown>;
};

type Figures = Durations & { blocks: number };
type Measured = { name: string; by: Read['by']; small: Figures; large: Figures; ratio: number };

/**
 * Measures every read in turns in the database with few finished tasks and in the one with many,
 * and then some of them in the latter under load. Throws if a read fails.
 */
export async function measureReads(
  ledgers: readonly [Ledger, Ledger],
  { repetitions }: { repetitions: number },
  log: (line: string) => void,
): Promise<Section> {
  const measured: Measured[] = [];
  for (const read of READS) {
    log(`${read.name}, ${read.by}`);
    measured.push(await measure(read, ledgers, repetitions));
  }
  const seconds = repetitions / REPETITIONS_PER_LOAD_SEC;
  log(`reads under load, ${seconds} s`);
  const load = await measureLoad(ledgers[1], seconds);
  return toSection(measured, load, { small: ledgers[0].tasks, large: ledgers[1].tasks, repetitions });
}

const READS: readonly Read[] = MEASUREMENTS.flatMap(({ name, store, path }): Read[] => [
  ...(store === undefined ? [] : [{ name, by: 'store' as const, run: store }]),
  ...(path === undefined
    ? []
    : [{ name, by: 'HTTP' as const, run: (ledger: Ledger) => get(`${ledger.url}${path(ledger)}`) }]),
]);

async function get(url: string): Promise<void> {
  const answer = await fetch(url);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`GET ${new URL(url).pathname} answered ${answer.status}: ${text}`);
}

async function measure(
  { name, by, run }: Read,
  ledgers: readonly [Ledger, Ledger],
  repetitions: number,
): Promise<Measured> {
  const durations = await timeByTurns(
    ledgers.map((ledger) => timed(() => run(ledger))),
    repetitions,
  );
  const figures = async (index: 0 | 1): Promise<Figures> => {
    const of = durations[index] ?? { times: 0, median: Number.NaN, p99: Number.NaN };
    return { ...of, blocks: await ledgers[index].blocksOf(() => run(ledgers[index])) };
  };
  const [small, large] = [await figures(0), await figures(1)];
  return { name, by, small, large, ratio: large.median / small.median };
}

function toSection(
  reads: readonly Measured[],
  load: Load,
  { small, large, repetitions }: { small: number; large: number; repetitions: number },
): Section {
  const [few, many] = [shortNumber(small), shortNumber(large)];
  return {
    title: 'Reading with few and with many finished tasks',
    about:
      `With ${small.toLocaleString('en')} and with ${large.toLocaleString('en')} finished tasks of one day, each read ` +
      `up to ${repetitions} times in turns, fewer if that takes more than ${LIMIT.ms / 1_000} s. Times in ms; the ` +
      'ratio is that of the medians. Blocks of 8 KiB are what Postgres reads, from its cache or not: they do not depend on what else the machine does. ' +
      `Under load: ${LOAD.perSecond} reads a second for ${repetitions / REPETITIONS_PER_LOAD_SEC} s, whether or not ` +
      `the earlier ones are answered, over ${LOAD.connections} connections to one API process. Of nine reads four ` +
      'are first pages of all, four are tasks from everywhere in the ledger, and one is statistics. ' +
      'Their times count from when each was due.',
    goals: goalsOf(reads, load, [few, many]),
    head: [
      ...['what', 'by', `${few} median`, `${few} p99`, `${many} median`, `${many} p99`, 'ratio'],
      ...[`${few} blocks`, `${many} blocks`],
    ],
    rows: reads.map((read) => [
      ...[read.name, read.by, ms(read.small.median), ms(read.small.p99), ms(read.large.median)],
      ...[ms(read.large.p99), read.ratio.toFixed(2), String(read.small.blocks), String(read.large.blocks)],
    ]),
    data: { small, large, repetitions, reads, load },
  };
}

function ms(duration: number): string {
  return duration.toFixed(2);
}

/** 100k, 10M. */
function shortNumber(count: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
    .format(count)
    .replace('K', 'k');
}
