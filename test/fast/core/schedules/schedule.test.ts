import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import {
  defineSchedule,
  isSchedule,
  type ScheduleDefinition,
  type ScheduleInput,
} from '../../../../core/schedules/schedule.ts';
import { defineTask } from '../../../../core/task.ts';
import { defineWorkflow, step } from '../../../../core/workflow.ts';

const task = defineTask({
  name: 'billing.send_invoice',
  version: '1.0.0',
  description: 'Sends an invoice',
  payload: z.object({
    id: z.int(),
    since: z.iso
      .datetime()
      .transform((text) => new Date(text))
      .optional(),
  }),
  example: { id: 1 },
});
const minimal = { id: 'billing.nightly', task, payload: { id: 7 }, cron: '30 2 * * *' } as const;

/** Why a schedule is refused; its parts may be wrong in ways that do not compile. */
function refusal(wrong: Record<string, unknown>): string {
  try {
    defineSchedule({ ...minimal, ...wrong } as unknown as ScheduleInput<typeof task>);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('It was accepted');
}

test('a schedule has its id, its task, its settings as on the wire with their defaults, and its file', () => {
  const schedule = defineSchedule({
    ...minimal,
    timezone: 'Europe/Berlin',
    jitterSeconds: 30,
    startsAt: new Date('2027-01-01T00:00:00Z'),
    endsAt: '2028-01-01T00:00:00+01:00',
    catchUp: 'all',
    catchUpWindowSeconds: 3_600,
    catchUpMax: 5,
    overlap: 'allow',
    priority: 3,
    maxAttempts: 2,
    tags: ['night'],
    description: 'Every night',
  });
  expect(schedule).toEqual({
    id: 'billing.nightly',
    task,
    file: expect.stringMatching(/\/test\/fast\/core\/schedules\/schedule\.test\.ts$/),
    settings: {
      ...{ task: 'billing.send_invoice', payload: { id: 7 }, description: 'Every night' },
      ...{ cron: '30 2 * * *', every_seconds: null, at: null, timezone: 'Europe/Berlin', jitter_seconds: 30 },
      ...{ starts_at: '2027-01-01T00:00:00.000Z', ends_at: '2027-12-31T23:00:00.000Z' },
      ...{ catch_up: 'all', catch_up_window_seconds: 3_600, catch_up_max: 5, overlap: 'allow' },
      ...{ priority: 3, max_attempts: 2, tags: ['night'], concurrency_key: null, expires_in_seconds: null },
    },
  });
  expect(defineSchedule(minimal).settings).toMatchObject({
    ...{ timezone: 'UTC', jitter_seconds: 0, starts_at: null, catch_up: 'last', overlap: 'skip', tags: [] },
  });
  expect(isSchedule(schedule)).toBe(true);
  for (const other of [task, null, undefined, 'text', {}, { task, id: 'a.b' }])
    expect(isSchedule(other)).toBe(false);
});

test('an interval, a single time, and a workflow can be scheduled, with zod/v3 too', () => {
  expect(defineSchedule({ ...minimal, cron: undefined, everySeconds: 60 } as never)).toMatchObject({
    settings: { cron: null, every_seconds: 60 },
  });
  const at = new Date('2001-02-03T04:05:06Z');
  expect(defineSchedule({ id: 'billing.once', task, payload: { id: 1 }, at }).settings.at).toBe(
    '2001-02-03T04:05:06.000Z',
  );
  const workflow = defineWorkflow({
    ...{ name: 'billing.close', version: '1', description: 'Closes a month' },
    ...{ payload: z3.object({ month: z3.number().default(1) }), example: {}, steps: { sum: step({}) } },
  });
  const { settings } = defineSchedule({
    id: 'billing.monthly',
    task: workflow,
    payload: {},
    cron: '@monthly',
  });
  expect(settings).toMatchObject({ task: 'billing.close', payload: {} });
  const [sum] = workflow.graph.steps;
  expect(refusal({ task: sum?.definition })).toMatch(
    /task: must not be a step: schedule the workflow billing\.close$/,
  );
});

test('a schedule whose last time is over still loads: its file must not break with time', () => {
  const past = { endsAt: '2001-01-01T00:00:00Z' };
  expect(isSchedule(defineSchedule({ ...minimal, ...past }))).toBe(true);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ['an id of another namespace', { id: 'mail.nightly' }, /task: .*must begin with "billing\."/],
  ['an id without a namespace', { id: 'nightly' }, /the id of a schedule must match/],
  ['a payload that does not fit', { payload: { id: 'seven', no: 1 } }, /\/payload\/id: .*; .*no/],
  ['a payload that is not JSON', { payload: { id: 7n } }, /\/payload\/id: /],
  ['a payload that Postgres cannot store', { payload: { id: 7, since: '\0' } }, /\/payload\/since: /],
  ['no payload', { payload: undefined }, /payload: /],
  ['no timing', { cron: undefined }, /exactly one of cron, everySeconds and at/],
  ['two timings', { everySeconds: 60 }, /exactly one of cron/],
  ['a cron that cannot be read', { cron: '60 * * * *' }, /cron: the minute "60" is not valid/],
  ['a cron without a time', { cron: '0 0 31 2 *' }, /cron: never comes/],
  ['a zone that does not exist', { timezone: 'Europe/Atlantis' }, /timezone: must be the name of an IANA/],
  ['a moment without an offset', { startsAt: '2027-01-01T00:00:00' }, /startsAt: must be a time in ISO 8601/],
  ['an invalid Date', { endsAt: new Date(Number.NaN) }, /endsAt: must be a time .*Invalid Date/],
  ['a value of the wrong type', { catchUp: 'most' }, /catchUp: /],
  ['a name as on the wire', { catch_up: 'last' }, /catch_up is unknown: there are .*catchUp, /],
  ['all with an overlap', { catchUp: 'all' }, /overlap: must be "allow" with catchUp "all"/],
  [
    'too many tags',
    { tags: Array.from({ length: 21 }, (_, n) => `${n}`) },
    /tags: must have at most 20 tags, got 21/,
  ],
  ['an empty tag', { tags: [''] }, /\/tags\/0: must have 1 to 100 characters/],
  ['a tag twice', { tags: ['a', 'a'] }, /tags: must not have one twice/],
  ['no task', { task: { name: 'billing.send_invoice' } }, /task: must be the definition of a task/],
])('%s is refused, with the file', (_what, wrong, why) => {
  const message = refusal(wrong);
  expect(message).toMatch(/^Schedule "[^"]+" in \S+\/test\/fast\/core\/schedules\/schedule\.test\.ts: /);
  expect(message).toMatch(why);
});

test('a payload that only time could tell about is left to the runner', () => {
  const slow = defineTask({
    ...{ name: 'billing.slow', version: '1', description: 'For a test', example: { id: 1 } },
    payload: z.object({ id: z.int() }).refine(async () => false),
  });
  expect(isSchedule(defineSchedule({ ...minimal, task: slow }))).toBe(true);
});

test('the compiler holds the payload against the schema of the task, and the timing', () => {
  const schedule = defineSchedule(minimal);
  expectTypeOf(schedule).toEqualTypeOf<ScheduleDefinition<typeof task>>();
  expectTypeOf(schedule).toExtend<ScheduleDefinition>();
  expectTypeOf<ScheduleInput<typeof task>['payload']>().toEqualTypeOf<{
    id: number;
    since?: string | undefined;
  }>();
  // @ts-expect-error the id is a number
  expect(() => defineSchedule({ ...minimal, payload: { id: 'seven' } })).toThrow('/payload/id');
  // @ts-expect-error a schedule has one timing
  expect(() => defineSchedule({ ...minimal, everySeconds: 60 })).toThrow('exactly one');
});
