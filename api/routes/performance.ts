import { namespaceOf } from '../../core/task.ts';
import { MINUTES_BY_THE_MINUTE } from '../../store/rollups.ts';
import { type Finished, readFinished } from '../../store/stats.ts';
import type { Operation } from '../call.ts';
import { type Figures, finishedIn, ratio, toFigures, toScope, windowSchema } from '../figures.ts';
import { parseQuery } from '../request.ts';

/** Full ones: the interval that is under way comes on top. */
const MAX_INTERVALS = 60;

/**
 * `GET /v1/analytics/performance` (specification R8): throughput and durations in even intervals of a window, over all
 * of it, and who had which share.
 */
export const performance: Operation = async (call, request, response) => {
  const query = parseQuery(windowSchema, request);
  const intervalMinutes = intervalOf(query.window_minutes);
  const { from, to, total, byName, intervals } = await readFinished(
    call.reads,
    { windowMinutes: query.window_minutes, intervalMinutes },
    toScope(call, query),
  );
  const end = Date.parse(to);
  const all = finishedIn(total);
  response.json({
    from,
    to,
    interval_seconds: intervalMinutes * 60,
    total: toRates(total, Date.parse(from), end),
    intervals: intervals.map((finished, index) => {
      const begins = Date.parse(from) + index * intervalMinutes * 60_000;
      const ends = Math.min(begins + intervalMinutes * 60_000, end);
      return {
        from: new Date(begins).toISOString(),
        to: new Date(ends).toISOString(),
        ...toRates(finished, begins, ends),
      };
    }),
    names: [...byName]
      .filter(([, finished]) => finishedIn(finished) > 0)
      .sort(([, a], [, b]) => finishedIn(b) - finishedIn(a))
      .map(([name, finished]) => ({
        name,
        namespace: namespaceOf(name),
        share: ratio(finishedIn(finished), all),
        ...toRates(finished, Date.parse(from), end),
      })),
  });
};

/** In minutes; of full hours where sums are by the hour. */
function intervalOf(windowMinutes: number): number {
  const unit = windowMinutes > MINUTES_BY_THE_MINUTE ? 60 : 1;
  return Math.ceil(windowMinutes / unit / MAX_INTERVALS) * unit;
}

function toRates(finished: Finished, from: number, to: number): Figures & { throughput_per_second: number } {
  // Of the first ms of a minute a rate would say little.
  const seconds = Math.max(1, (to - from) / 1_000);
  return { throughput_per_second: ratio(finishedIn(finished), seconds) ?? 0, ...toFigures(finished) };
}
