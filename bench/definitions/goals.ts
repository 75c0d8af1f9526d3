import type { Goal } from '../goals.ts';
import type { Rounds } from '../rounds.ts';
import type { Start } from './start.ts';

/** The cost of one build with so many generated definitions; 0 means the shipped ones. */
export type Taken = { count: number; documentBytes: number; starts: readonly Start[] };

/**
 * Both builds with so many definitions. `theirs` is null if the other build was not ready in time.
 */
export type Compared = { label: string; ours: Taken; theirs: Taken | null };

type Figure = { what: string; unit: string; of: (taken: Taken) => Rounds };

const BYTES_PER_KB = 1_000;
const MS_PER_SEC = 1_000;

const DOCUMENT: Figure = {
  ...{ what: 'document', unit: 'kB' },
  of: ({ documentBytes }) => [documentBytes / BYTES_PER_KB],
};
const CPU: Figure = ofStarts('CPU of a start', 's', (start) => start.cpuSeconds);
const READY: Figure = ofStarts('time to ready', 'ms', (start) => start.readyMs);
const PEAK: Figure = ofStarts('peak memory', 'MB', (start) => start.peakMb);
const RESIDENT: Figure = ofStarts('memory at ready', 'MB', (start) => start.residentMb);

/**
 * At most this fraction of the other build's figure, by the number of generated definitions (issue
 * 14).
 */
const GOALS: Readonly<Record<number, ReadonlyMap<Figure, number>>> = {
  0: new Map([
    [DOCUMENT, 0.5],
    [CPU, 0.6],
  ]),
  300: new Map([
    [DOCUMENT, 0.2],
    [CPU, 0.3],
    [PEAK, 0.6],
    [RESIDENT, 0.6],
  ]),
};

/** Compares each figure with that of the other build, and shows how much each definition adds. */
export function goalsOf(compared: readonly Compared[], peer: string): Goal[] {
  return [
    ...compared.flatMap(({ label, ours, theirs }) =>
      [DOCUMENT, CPU, READY, PEAK, RESIDENT].map((figure): Goal => {
        const most = GOALS[ours.count]?.get(figure);
        return {
          what: `${figure.what}, ${label}`,
          unit: figure.unit,
          ours: figure.of(ours),
          peer: theirs === null ? null : { name: peer, rounds: figure.of(theirs) },
          goal: most === undefined || theirs === null ? null : { atMost: most },
        };
      }),
    ),
    ...growth(compared, peer),
  ];
}

/** From the fewest generated definitions to the most that both builds were ready with. */
function growth(compared: readonly Compared[], peer: string): Goal[] {
  const generated = compared.filter(({ ours }) => ours.count > 0);
  const [few, many] = [generated.at(0), generated.at(-1)];
  if (few === undefined || many === undefined || few === many) return [];
  return [
    { ...DOCUMENT, what: 'growth of the document by a definition', factor: 1 },
    { ...CPU, what: 'growth of the CPU of a start by a definition', unit: 'ms', factor: MS_PER_SEC },
    { ...READY, what: 'growth of the time to ready by a definition', factor: 1 },
  ].map(({ what, unit, of, factor }): Goal => {
    const perDefinition = (less: Taken, more: Taken): Rounds =>
      of(more).map((value, round) => {
        const grown = value - (of(less)[round] ?? Number.NaN);
        return (factor * grown) / (more.count - less.count);
      });
    const rounds =
      few.theirs === null || many.theirs === null ? null : perDefinition(few.theirs, many.theirs);
    return {
      ...{ what, unit, goal: null },
      ours: perDefinition(few.ours, many.ours),
      peer: rounds === null ? null : { name: peer, rounds },
    };
  });
}

function ofStarts(what: string, unit: string, read: (start: Start) => number): Figure {
  return { what, unit, of: ({ starts }) => starts.map(read) };
}
