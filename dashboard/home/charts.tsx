import { useEffect, useMemo, useState } from 'preact/hooks';
import { Chart } from '../charts/chart.tsx';
import type { DepthSample } from '../charts/series.ts';
import { addSample, depthOf, latencyOf, successOf, throughputOf } from '../charts/series.ts';
import type { Performance, TaskStats } from '../data/records.ts';
import { Card } from '../parts/page.tsx';
import { duration } from '../text/time.ts';
import { count, percent, short } from '../text/words.ts';

const NOTHING = 'No task has ended in this time';
const KEEP_MS = 3_600_000;
/** It outlives the page, so that coming back shows more than one point. */
let samples: DepthSample[] = [];

/** Throughput, latency, success and depth. */
export function Charts(props: { performance: Performance; stats: TaskStats | undefined; isHeld: boolean }) {
  const { performance, stats, isHeld } = props;
  const { total } = performance;
  const data = useMemo(
    () => ({
      throughput: throughputOf(performance),
      latency: latencyOf(performance),
      success: successOf(performance),
    }),
    [performance],
  );
  const { p95 } = total.processing_seconds;
  const rate = `${short(total.throughput_per_second)} per second`;
  const success = total.success_rate === null ? 'Nothing has ended' : percent(total.success_rate);
  const took = p95 === null ? 'Nothing has ended' : `95 % within ${duration(p95 * 1_000)}`;
  return (
    <div class="charts">
      <Card title="Throughput" actions={<span class="figure">{rate}</span>}>
        <Chart
          description={`Tasks that ended per second: on average ${rate}`}
          lines={[
            { title: 'succeeded', colour: '--ok' },
            { title: 'failed', colour: '--error', isDashed: true },
          ]}
          data={data.throughput}
          format={short}
          empty={NOTHING}
        />
      </Card>
      <Card title="Latency" actions={<span class="figure">{took}</span>}>
        <Chart
          description={`How long tasks took: ${took}`}
          lines={[
            { title: 'median', colour: '--info' },
            { title: '95 %', colour: '--violet' },
            { title: '95 % of waits', colour: '--warn', isDashed: true },
          ]}
          data={data.latency}
          format={(seconds) => (seconds === 0 ? '0' : duration(seconds * 1_000))}
          empty={NOTHING}
        />
      </Card>
      <Card title="Success" actions={<span class="figure">{success}</span>}>
        <Chart
          description={`The part of the ended tasks that succeeded: ${success}`}
          lines={[{ title: 'succeeded of those that ended', colour: '--ok' }]}
          data={data.success}
          format={(value) => `${short(value)} %`}
          top={100}
          empty={NOTHING}
        />
      </Card>
      <Depth stats={stats} isHeld={isHeld} />
    </div>
  );
}

function Depth({ stats, isHeld }: { stats: TaskStats | undefined; isHeld: boolean }) {
  const [shown, setShown] = useState(samples);
  useEffect(() => {
    if (stats === undefined || isHeld) return;
    const { queued, retrying, running } = stats.total.open;
    samples = addSample(samples, { at: Date.now(), queued: queued + retrying, running }, KEEP_MS);
    setShown(samples);
  }, [stats, isHeld]);
  const last = shown.at(-1) ?? { queued: 0, running: 0 };
  const data = useMemo(() => depthOf(shown), [shown]);
  const now = `${count(last.queued)} wait, ${count(last.running)} run`;
  return (
    <Card title="Depth since you came" actions={<span class="figure">{now}</span>}>
      <Chart
        description={`Tasks that wait and that run: ${now}`}
        lines={[
          { title: 'queued or retrying', colour: '--warn' },
          { title: 'running', colour: '--info' },
        ]}
        data={data}
        format={short}
        isWhole
        empty="Reading how many tasks are open"
      />
    </Card>
  );
}
