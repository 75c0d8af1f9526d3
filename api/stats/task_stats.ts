import type { JsonSchema } from '../../core/schema.ts';
import { namespaceOf } from '../../core/task.ts';
import { readFinished } from '../../store/stats/stats.ts';
import { countOpen, noneOpen, OPEN_LIMIT, type Open, UNFINISHED } from '../../store/stats/stats_open.ts';
import type { Operation } from '../context.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { extended, object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import {
  counts,
  figuresOperation,
  finishedIn,
  listOf,
  named,
  span,
  toFigures,
  toScope,
  windowSchema,
} from './figures.ts';

const open: Record<string, JsonSchema> = {
  open: counts(UNFINISHED),
  open_is_capped: {
    type: 'boolean',
    description: `Whether one name has more than ${OPEN_LIMIT} tasks in one state, where counting stops`,
  },
};

/** The component schemas of unfinished and finished tasks. */
export const taskStatsSchemas: Record<string, JsonSchema> = {
  TaskStatsOfAll: extended('Figures', 'All names together', open),
  TaskStatsOfName: extended('TaskStatsOfAll', 'One name', named),
  TaskStats: object('The unfinished tasks, and statistics of the tasks that finished in a window', {
    ...span,
    total: ref('TaskStatsOfAll'),
    names: listOf('TaskStatsOfName'),
  }),
};

/** The operation in the OpenAPI document. */
export function taskStatsPaths(): Paths {
  return {
    '/v1/tasks/stats': figuresOperation(
      'getTaskStats',
      'Read the number of unfinished tasks, and statistics of finished tasks, by name',
      'TaskStats',
    ),
  };
}

/**
 * `GET /v1/tasks/stats` (specification R6): the unfinished tasks, and statistics of the tasks that finished
 * in a window, for each name and in total.
 */
export const taskStats: Operation = async (context, request, response) => {
  const query = parseQuery(windowSchema, request);
  const scope = toScope(context, query);
  const minutes = query.window_minutes;
  const [{ from, to, total, byName }, open] = await context.sharedRead(['stats', minutes, scope], (reads) =>
    Promise.all([readFinished(reads, { windowMinutes: minutes }, scope), countOpen(reads, scope)]),
  );
  // Names without unfinished or finished tasks are left out, unless the caller asked for that name.
  const used = [...byName].filter(
    ([name, finished]) => open.has(name) || finishedIn(finished) > 0 || name === query.name,
  );
  const names = used.map(([name, finished]) => ({
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
