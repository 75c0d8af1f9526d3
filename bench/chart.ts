import { BarChart } from 'echarts/charts';
import { GridComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Environment } from './environment.ts';
import { EXECUTION } from './execute/section.ts';
import { errand } from './queues/errand.ts';
import type { Section } from './report.ts';
import { median } from './rounds.ts';

use([BarChart, GridComponent, TitleComponent, SVGRenderer]);

const WIDTH = 760;
const HEAD = 84;
const BAR = 42;
const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif';
const OURS = '#1d4ed8';
const OTHERS = '#94a3b8';
const TEXT = '#1f2937';

type Bar = { name: string; perSecond: number };

/**
 * The rates of execution as an SVG, with a bar for each queue, the fastest first. It has its own
 * background, so that it can also be read on a dark page. Null if the rates were not measured.
 */
export function executionChart(environment: Environment, sections: readonly Section[]): string | null {
  const bars = barsOf(sections);
  if (bars.length === 0) return null;
  const size = { width: WIDTH, height: HEAD + BAR * bars.length };
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  chart.setOption(optionsOf(environment, bars));
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

function barsOf(sections: readonly Section[]): Bar[] {
  const goals = sections.find(({ title }) => title === EXECUTION.title)?.goals ?? [];
  const rates = goals.filter(({ what }) => what === EXECUTION.what);
  const theirs = rates.flatMap(({ peer }) =>
    peer === null ? [] : [{ name: peer.name, perSecond: median(peer.rounds) }],
  );
  const ours = rates.slice(0, 1).map((rate) => ({ name: errand.name, perSecond: median(rate.ours) }));
  return [...ours, ...theirs].sort((a, b) => b.perSecond - a.perSecond);
}

function optionsOf({ date, commit }: Environment, bars: readonly Bar[]): EChartsCoreOption {
  const text = { color: TEXT, fontFamily: FONT, fontSize: 14 };
  return {
    animation: false,
    backgroundColor: '#ffffff',
    title: {
      text: 'No-op tasks executed per second by one process',
      subtext: `more is better; Errand records each result and attempt; ${date.slice(0, 10)}, commit ${commit}`,
      left: 16,
      top: 12,
      textStyle: { ...text, fontSize: 17, fontWeight: 600 },
      subtextStyle: { ...text, color: '#4b5563', fontSize: 12 },
    },
    grid: { left: 190, right: 90, top: HEAD - 14, bottom: 14 },
    xAxis: { type: 'value', show: false },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map(({ name }) => name),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: text,
    },
    series: [
      {
        type: 'bar',
        barWidth: 24,
        silent: true,
        emphasis: { disabled: true },
        data: bars.map(({ name, perSecond }) => ({
          value: Math.round(perSecond),
          itemStyle: { color: name === errand.name ? OURS : OTHERS },
          label: { formatter: Math.round(perSecond).toLocaleString('en') },
        })),
        label: { ...text, show: true, position: 'right' },
      },
    ],
  };
}
