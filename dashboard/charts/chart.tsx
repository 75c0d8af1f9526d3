import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { type ChartData, clockLabels } from './series.ts';

export type ChartLine = { title: string; colour: string; isDashed?: boolean };

const HEIGHT = 170;
/** The top of an axis without values. */
const LEAST_TOP = 0.01;

/** Lines over time. `description` is what a reader of the screen hears instead. */
export function Chart(props: {
  description: string;
  lines: readonly ChartLine[];
  data: ChartData;
  format: (value: number) => string;
  /** The range of the values, if it is not that of the data. */
  range?: [number, number];
}) {
  const { description, lines, data, format, range } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  // The lines of a chart never change, its data does
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const options = optionsOf(current, lines, format, range);
    const drawn = new uPlot(options, data as uPlot.AlignedData, current);
    plot.current = drawn;
    const resized = new ResizeObserver(() => {
      if (current.clientWidth > 0) drawn.setSize({ width: current.clientWidth, height: HEIGHT });
    });
    resized.observe(current);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => drawn.redraw(false, true);
    scheme.addEventListener('change', redraw);
    return () => {
      scheme.removeEventListener('change', redraw);
      resized.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(data as uPlot.AlignedData), [data]);
  return (
    <figure class="chart">
      <div ref={place} role="img" aria-label={description} />
      <figcaption>
        {lines.map(({ title, colour, isDashed }) => (
          <span key={title}>
            <i class={isDashed ? 'key dashed' : 'key'} style={{ borderColor: `var(${colour})` }} /> {title}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function optionsOf(
  place: HTMLElement,
  lines: readonly ChartLine[],
  format: (value: number) => string,
  range: [number, number] | undefined,
): uPlot.Options {
  // Read at each drawing, because the scheme may change.
  const colour = (name: string) => () => getComputedStyle(place).getPropertyValue(name);
  const axis: uPlot.Axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: Math.max(200, place.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      y: { range: range ?? ((_plot, _min, max) => [0, Math.max((max ?? 0) * 1.1, LEAST_TOP)]) },
    },
    axes: [
      { ...axis, space: 70, size: 30, values: (_plot, times) => clockLabels(times) },
      { ...axis, size: 56, values: (_plot, values) => values.map((value) => format(value)) },
    ],
    series: [
      {},
      ...lines.map(({ title, colour: name, isDashed }) => ({
        label: title,
        stroke: colour(name),
        width: 1.75,
        ...(isDashed ? { dash: [5, 4] } : {}),
        points: { size: 4 },
        spanGaps: true,
      })),
    ],
  };
}
