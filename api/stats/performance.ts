import type { JsonSchema } from '../../core/schema.ts';
import { namespaceOf } from '../../core/task.ts';
import { MINUTES_BY_THE_MINUTE } from '../../store/stats/rollups.ts';
import { type Finished, readFinished } from '../../store/stats/stats.ts';
import type { Operation } from '../context.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { extended, object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import {
  type Figures,
  figuresOperation,
  finishedIn,
  listOf,
  named,
  ratio,
  span,
  toFigures,
  toScope,
  windowSchema,
} from './figures.ts';

const time: JsonSchema = { type: 'string', format: 'date-time' };
const finished = { type: 'number', minimum: 0, description: 'The number of tasks that finished per second' };

/** The component schemas of throughput. */
export const performanceSchemas: Record<string, JsonSchema> = {
  Rates: extended('Figures', 'Statistics of the entire window', { throughput_per_second: finished }),
  IntervalRates: extended('Rates', 'Statistics of one interval', { from: time, to: time }),
  NameRates: extended('Rates', 'Statistics of one name', {
    ...named,
    share: { type: 'number', minimum: 0, maximum: 1, description: 'The part of all finished tasks' },
  }),
  Performance: object('Throughput and durations in a window', {
    ...span,
    interval_seconds: { type: 'integer', minimum: 60 },
    total: ref('Rates'),
    intervals: listOf('IntervalRates'),
    names: listOf('NameRates'),
  }),
};

/** The operation in the OpenAPI document. */
export function performancePaths(): Paths {
  return {
    '/v1/analytics/performance': figuresOperation(
      'getPerformance',
      'Read throughput and durations in a window',
      'Performance',
    ),
  };
}

/** The maximum number of complete intervals. The current, incomplete interval is added to them. */
const MAX_INTERVALS = 60;

/**
 * `GET /v1/analytics/performance` (specification R8): throughput and durations in equal intervals of a window
 * and in the entire window, and the share of each name.
 */
export const performance: Operation = async (context, request, response) => {
  const query = parseQuery(windowSchema, request);
  const intervalMinutes = intervalOf(query.window_minutes);
  const scope = toScope(context, query);
  const options = { windowMinutes: query.window_minutes, intervalMinutes };
  const { from, to, total, byName, intervals } = await context.sharedRead(
    ['performance', options, scope],
    (reads) => readFinished(reads, options, scope),
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

/** The length of an interval in minutes. It is a multiple of an hour if the sums are stored by the hour. */
function intervalOf(windowMinutes: number): number {
  const unit = windowMinutes > MINUTES_BY_THE_MINUTE ? 60 : 1;
  return Math.ceil(windowMinutes / unit / MAX_INTERVALS) * unit;
}

function toRates(finished: Finished, from: number, to: number): Figures & { throughput_per_second: number } {
  // A rate over the first milliseconds of a minute would mean little, so at least one second counts.
  const seconds = Math.max(1, (to - from) / 1_000);
  return { throughput_per_second: ratio(finishedIn(finished), seconds) ?? 0, ...toFigures(finished) };
}
