import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { clockOf, shortDayOf } from '../text/time.ts';
import { linePaths, timeTicks, valueScale } from './scale.ts';
import type { ChartData } from './series.ts';

export type ChartLine = { title: string; colour: string; isDashed?: boolean };

type Props = {
  /** What the chart shows, for a reader of the screen. */
  description: string;
  lines: readonly ChartLine[];
  data: ChartData;
  format: (value: number) => string;
  /** The top of the axis, if it is not that of the data. */
  top?: number;
  /** Whether values are whole numbers, such as counts. */
  isWhole?: boolean;
  /** Shown instead of lines while there is no value. */
  empty: string;
};

/**
 * Lines over time, with the values of one time below: that under the pointer, or that of the arrow keys. It is SVG with
 * the colours of the theme, so it costs no library, no canvas and no code for the dark scheme.
 */
export function Chart({ description, lines, data, format, top, isWhole = false, empty }: Props) {
  const [times, ...values] = data;
  const [chosen, setChosen] = useState<number | null>(null);
  const index = chosen === null || chosen >= times.length ? null : chosen;
  const all = values.flat().filter((value) => value !== null);
  const drawn = useMemo(() => {
    const scale = valueScale(top ?? all.reduce((most, value) => Math.max(most, value), 0), isWhole);
    return {
      ticks: scale.ticks,
      times: timeTicks(times[0] ?? 0, times.at(-1) ?? 0),
      paths: values.map((line) => linePaths(times, line, scale.top)),
    };
  }, [data, top]);
  if (all.length === 0) return <p class="chart-empty">{empty}</p>;
  const shown = (line: number, at: number): string => {
    const value = values[line]?.[at];
    return value === null || value === undefined ? '–' : format(value);
  };
  const last = times.length - 1;
  const inWords = (at: number): string =>
    [timeOf(times[at] ?? 0), ...lines.map(({ title }, line) => `${title} ${shown(line, at)}`)].join(', ');
  return (
    <figure class="chart">
      <div
        class="plot"
        role="slider"
        tabIndex={0}
        aria-label={description}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={index ?? last}
        aria-valuetext={inWords(index ?? last)}
        onPointerMove={(event) => setChosen(nearest(times, event))}
        onPointerLeave={() => setChosen(null)}
        onBlur={() => setChosen(null)}
        onKeyDown={(event) => {
          const next = moved(event.key, index ?? last, last);
          if (next === null) return;
          event.preventDefault();
          setChosen(next);
        }}
      >
        {drawn.ticks.map(({ value, at }) => (
          <span key={value} class="tick" style={{ bottom: `${at * 100}%` }}>
            <span>{format(value)}</span>
          </span>
        ))}
        <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
          {drawn.paths.map(({ line, dots }, at) => (
            <g key={lines[at]?.title} style={{ stroke: `var(${lines[at]?.colour})` }}>
              <path class={lines[at]?.isDashed ? 'line dashed' : 'line'} d={line} />
              <path class="dots" d={dots} />
            </g>
          ))}
        </svg>
        {index !== null && <i class="here" style={{ left: `${shareOf(times, index) * 100}%` }} />}
        {drawn.times.map(({ value, at, label }) => (
          <span key={value} class="time" style={{ left: `${at * 100}%` }}>
            {label}
          </span>
        ))}
      </div>
      <figcaption>
        {lines.map(({ title, colour, isDashed }, line) => (
          <span key={title}>
            <i class={isDashed ? 'key dashed' : 'key'} style={{ borderColor: `var(${colour})` }} /> {title}
            {index !== null && <b> {shown(line, index)}</b>}
          </span>
        ))}
        {index !== null && <span>{timeOf(times[index] ?? 0)}</span>}
      </figcaption>
    </figure>
  );
}

function timeOf(seconds: number): string {
  const date = new Date(seconds * 1_000);
  return `${shortDayOf(date)} ${clockOf(date)}`;
}

/** Where a time is between the first and the last one, from 0 to 1. */
function shareOf(times: readonly number[], index: number): number {
  const [from = 0, to = 0] = [times[0], times.at(-1)];
  return to === from ? 1 : ((times[index] ?? from) - from) / (to - from);
}

function nearest(times: readonly number[], event: JSX.TargetedPointerEvent<HTMLElement>): number {
  const { left, width } = event.currentTarget.getBoundingClientRect();
  const share = width === 0 ? 1 : (event.clientX - left) / width;
  let best = 0;
  for (let index = 1; index < times.length; index++) {
    if (Math.abs(shareOf(times, index) - share) < Math.abs(shareOf(times, best) - share)) best = index;
  }
  return best;
}

/** The place that a key leads to; null for keys that lead nowhere. */
function moved(key: string, from: number, last: number): number | null {
  const steps: Record<string, number> = {
    ArrowLeft: from - 1,
    ArrowDown: from - 1,
    ArrowRight: from + 1,
    ArrowUp: from + 1,
    PageDown: from - 10,
    PageUp: from + 10,
    Home: 0,
    End: last,
  };
  const to = steps[key];
  return to === undefined ? null : Math.min(last, Math.max(0, to));
}
