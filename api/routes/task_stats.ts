import { namespaceOf } from '../../core/task.ts';
import { readFinished } from '../../store/stats.ts';
import { countOpen, noneOpen, type Open, UNFINISHED } from '../../store/stats_open.ts';
import type { Operation } from '../call.ts';
import { toFigures, toScope, windowSchema } from '../figures.ts';
import { parseQuery } from '../request.ts';

/**
 * `GET /v1/tasks/stats` (specification R6): what is open now, and figures of what finished in a window, for each name
 * and in total.
 */
export const taskStats: Operation = async (call, request, response) => {
  const query = parseQuery(windowSchema, request);
  const scope = toScope(call, query);
  const minutes = query.window_minutes;
  const [{ from, to, total, byName }, open] = await Promise.all([
    readFinished(call.reads, { windowMinutes: minutes }, scope),
    countOpen(call.reads, scope),
  ]);
  const names = [...byName].map(([name, finished]) => ({
    name,
    namespace: namespaceOf(name),
    ...toOpen(open.get(name) ?? noneOpen()),
    ...toFigures(finished),
  }));
  response.json({ from, to, total: { ...toOpen(sumOf([...open.values()])), ...toFigures(total) }, names });
};

function toOpen({ states, isCapped }: Open): { open: Open['states']; open_is_capped: boolean } {
  return { open: states, open_is_capped: isCapped };
}

function sumOf(all: Open[]): Open {
  const sum = noneOpen();
  for (const { states, isCapped } of all) {
    for (const state of UNFINISHED) sum.states[state] += states[state];
    sum.isCapped ||= isCapped;
  }
  return sum;
}
