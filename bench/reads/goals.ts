import type { Goal } from '../goals.ts';
import type { Durations } from '../timing.ts';
import type { Load } from './load.ts';

type Times = { name: string; by: string; small: Durations; large: Durations };

/** The reads over HTTP that must not become slower with a larger ledger, and by how much they may. */
const FLAT = new Map([
  ['first page of all', 1.5],
  ['a task', 1.5],
  ['statistics of the last hour', 1.5],
  ['first page by a tag of 1 in 10', 2],
  ['first page by a tag of 1 in 1,000', 2],
  ['groups of errors', 2],
]);
const MAX_P99_MS = 100;

/** The goals of reading. `few` and `many` name the numbers of tasks of the two ledgers. */
export function goalsOf(reads: readonly Times[], load: Load, [few, many]: readonly [string, string]): Goal[] {
  const flat = reads.filter(({ name, by }) => by === 'HTTP' && FLAT.has(name));
  const ofLoad = [
    ['first page of all', load.page],
    ['a task', load.task],
    ['statistics of the last hour', load.statistics],
  ] as const;
  return [
    ...flat.map(
      ({ name, small, large }): Goal => ({
        what: `${name} at ${many}, median`,
        unit: 'ms',
        ours: [large.median],
        peer: { name: `Errand at ${few}`, rounds: [small.median] },
        goal: { atMost: FLAT.get(name) ?? 1 },
      }),
    ),
    ...ofLoad.flatMap(([name, { median, p99 }]): Goal[] => [
      { what: `${name} under load, median`, unit: 'ms', ours: [median], peer: null, goal: null },
      { what: `${name} under load, p99`, unit: 'ms', ours: [p99], peer: null, goal: { atMost: MAX_P99_MS } },
    ]),
  ];
}
