import { clockOf, shortDayOf } from '../text/time.ts';

/** A mark of an axis: its value, and where it is, from 0 to 1. */
export type Tick = { value: number; at: number };

const MAX_STEPS = 4;

/**
 * The top of an axis that starts at 0, and its marks on round values. `isWhole`: between whole numbers there is
 * nothing. An axis for nothing but zeros ends at 1, so that their line lies at its foot.
 */
export function valueScale(max: number, isWhole: boolean): { top: number; ticks: Tick[] } {
  const least = max > 0 ? max : 1;
  const step = Math.max(roundStep(least / MAX_STEPS), isWhole ? 1 : 0);
  const steps = Math.max(1, Math.ceil(least / step - 1e-9));
  const top = steps * step;
  const ticks = Array.from({ length: steps + 1 }, (_, index) => ({ value: index * step, at: index / steps }));
  return { top, ticks };
}

/** The smallest of 1, 2, 5, 10, 20 … and of 0.5, 0.2, 0.1 … that is at least this. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least) + 1e-9);
  const factor = [1, 2, 5].find((one) => one * power >= least - 1e-12) ?? 10;
  return factor * power;
}

const MINUTE = 60;
const DAY = 86_400;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * MINUTE),
  ...[1, 2, 7].map((days) => days * DAY),
];
const MAX_TIMES = 6;

/** Marks on round times between two times in seconds since 1970, with their labels: the time of day, or the day. */
export function timeTicks(from: number, to: number): (Tick & { label: string })[] {
  const span = to - from;
  if (!(span > 0)) return [];
  const step = TIME_STEPS.find((one) => span / one <= MAX_TIMES) ?? Math.ceil(span / MAX_TIMES / DAY) * DAY;
  // Round in the zone of the reader
  const ahead = -new Date(from * 1_000).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((from + ahead) / step) * step - ahead;
  const times = Array.from(
    { length: Math.floor((to - first) / step) + 1 },
    (_, index) => first + index * step,
  );
  return times.map((value) => ({
    ...{ value, at: (value - from) / span },
    label: (step < DAY ? clockOf : shortDayOf)(new Date(value * 1_000)),
  }));
}

/** A line as SVG paths over a field of 1000 by 100: the line where values follow each other, and dots where one stands alone. */
export function linePaths(
  times: readonly number[],
  values: readonly (number | null)[],
  top: number,
): { line: string; dots: string } {
  const [from = 0, to = 0] = [times[0], times.at(-1)];
  const place = (index: number): string => {
    const x = to === from ? 1_000 : (((times[index] ?? from) - from) / (to - from)) * 1_000;
    return `${round(x)} ${round(100 - ((values[index] ?? 0) / top) * 100)}`;
  };
  let [line, dots] = ['', ''];
  const has = (index: number): boolean => values[index] !== null && values[index] !== undefined;
  for (let index = 0; index < values.length; index++) {
    if (!has(index)) continue;
    if (has(index - 1)) line += `L${place(index)}`;
    else if (has(index + 1)) line += `M${place(index)}`;
    else dots += `M${place(index)}h0`;
  }
  return { line, dots };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
