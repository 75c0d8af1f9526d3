import { z } from 'zod';
import type { JsonSchema } from '../../core/schema.ts';
import { type ErrorGroup, listErrorGroups } from '../../store/operators/errors.ts';
import { readPoolFigures, readTroubledSchedules, readWaitingQueues } from '../../store/operators/overview.ts';
import { readPaused } from '../../store/stats/stats.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { inQuery, type Parameter, timeOfQuery } from '../openapi/schemas/parameters.ts';
import { extended, object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery, toIsoTime } from '../request.ts';

/** More than a person looks at on one page. */
const MAX_GROUPS = 20;
const MAX_QUEUES = 100;
/** Without `since`, errors of the last 24 hours are new. */
const NEW_MS = 86_400_000;

const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const list = (schema: JsonSchema, description?: string): JsonSchema => ({
  type: 'array',
  items: schema,
  ...(description === undefined ? {} : { description }),
});

/** The component schemas of the overview. */
export const overviewSchemas: Record<string, JsonSchema> = {
  OverviewErrorGroup: extended('ErrorGroup', 'A group of errors that needs somebody', {
    is_new: { type: 'boolean', description: 'Whether its first failure is not before `since`' },
  }),
  OverviewErrors: object('The groups of errors that need somebody', {
    open: { ...count, description: 'Groups that nobody has decided about' },
    regressed: { ...count, description: 'Resolved groups that have failed again' },
    new: { ...count, description: 'Of both: those whose first failure is not before `since`' },
    failed_tasks: { ...count, description: 'The failed tasks of both, up to 10,000 of each group' },
    quarantined_tasks: { ...count, description: 'Of these: tasks that have killed their runners' },
    is_truncated: { type: 'boolean', description: 'Whether more groups exist than were counted' },
    groups: list(ref('OverviewErrorGroup'), `The last seen first, at most ${MAX_GROUPS}`),
  }),
  WaitingQueue: object('A queue with tasks that are due and wait', {
    name: { type: 'string' },
    namespace: { type: 'string' },
    waiting: { ...count, description: 'Due tasks that have not started, up to 1,000' },
    waiting_is_capped: { type: 'boolean' },
    oldest_wait_ms: { type: 'number', minimum: 0 },
    is_paused: { type: 'boolean' },
    runners: { ...count, description: 'The live runners that have this task. With 0 its tasks wait forever' },
    waiting_versions: list(
      object('Waiting tasks of a version', { version: { type: 'string' }, tasks: count }),
      'The versions of the waiting tasks, as far as they were counted',
    ),
    runner_versions: list(
      object('Live runners with a version', { version: { type: 'string' }, runners: count }),
      'The versions of the definition in the live runners. A runner leaves newer tasks to others',
    ),
  }),
  TroubledSchedule: object('A schedule that is overdue or broken', {
    id: { type: 'string' },
    task: { type: 'string' },
    due_at: {
      ...nullableTime,
      description: 'It was due then, and no runner has handled it. Null if it is broken',
    },
    broken: { type: ['string', 'null'], description: 'Why its times are not handled' },
    broken_at: nullableTime,
  }),
  Overview: object('Everything that needs somebody now', {
    at: { ...time, description: 'By the clock of Postgres' },
    since: time,
    errors: ref('OverviewErrors'),
    queues: list(ref('WaitingQueue'), `The longest wait first, at most ${MAX_QUEUES}`),
    without_runner: list({ type: 'string' }, 'The names with due tasks that no live runner has'),
    schedules: list(ref('TroubledSchedule')),
    pauses: list(ref('Pause')),
    runners: object('The live runners', {
      live: count,
      overdue: { ...count, description: 'Their leases have run out, and their work was not taken over yet' },
      blocked: { ...count, description: 'Their event loops do not turn' },
      slots: count,
      busy: count,
    }),
  }),
};

const sinceParameter: Parameter = inQuery(
  'since',
  timeOfQuery,
  'Groups of errors whose first failure is not before this time are new. The default is 24 hours ago',
);

/** The path of the overview. */
export function overviewPaths(): Paths {
  const summary = 'Show errors, waits, schedules, pauses and runners that need somebody now';
  return {
    '/v1/overview': {
      get: {
        tags: ['queues'],
        operationId: 'getOverview',
        summary,
        description:
          'One bounded answer for a first look. Every part is limited to the namespaces of the caller, except the figures of the runners.',
        parameters: [sinceParameter],
        responses: { 200: jsonAnswer(summary, ref('Overview')), ...failures(400) },
      },
    },
  };
}

const querySchema = z.object({ since: z.string().optional() });

/** `GET /v1/overview` (specification R18): everything that needs somebody now, in the namespaces of the caller. */
export const overview: Operation = async (context, request, response) => {
  const { reads, principal } = context;
  const asked = parseQuery(querySchema, request).since;
  const { namespaces } = principal;
  const { now, ...runners } = await readPoolFigures(reads);
  const since =
    asked === undefined ? new Date(Date.parse(now) - NEW_MS).toISOString() : toIsoTime(asked, '/query/since');
  const [errors, queues, schedules, pauses] = await Promise.all([
    errorsOf(context, since),
    readWaitingQueues(reads, namespaces),
    readTroubledSchedules(reads, namespaces),
    readPaused(reads, { namespaces }),
  ]);
  response.json({
    at: now,
    since,
    errors,
    queues: queues.slice(0, MAX_QUEUES),
    without_runner: queues.filter((queue) => queue.runners === 0).map(({ name }) => name),
    schedules,
    pauses,
    runners,
  });
};

async function errorsOf({ reads, principal }: RequestContext, since: string): Promise<object> {
  const { groups, more } = await listErrorGroups(reads, {
    namespaces: principal.namespaces ?? undefined,
    statuses: ['open', 'regressed'],
  });
  const isNew = (group: ErrorGroup): boolean => group.first_seen >= since;
  const tasks = (some: ErrorGroup[]): number => some.reduce((sum, group) => sum + group.count, 0);
  return {
    open: groups.filter(({ status }) => status === 'open').length,
    regressed: groups.filter(({ status }) => status === 'regressed').length,
    new: groups.filter(isNew).length,
    failed_tasks: tasks(groups),
    quarantined_tasks: tasks(groups.filter(({ example }) => example.error.error_code === 'QUARANTINED')),
    is_truncated: more,
    groups: groups.slice(0, MAX_GROUPS).map((group) => ({ ...group, is_new: isNew(group) })),
  };
}
