import { getCallSites } from 'node:util';
import type { Detail } from '../errors.ts';
import { losslessJson } from '../json/lossless.ts';
import { optionProblems } from '../registration/options.ts';
import { submittable } from '../registration/submittable.ts';
import type { SchemaInput } from '../schema.ts';
import { isDefinition, type TaskDefinition } from '../task.ts';
import { settingsProblems } from './check.ts';
import { type ScheduleSettings, settingsSchema } from './settings.ts';

/** A schedule in code: when which task is submitted with which payload (specification K1). */
export type ScheduleDefinition<D extends TaskDefinition = TaskDefinition> = {
  readonly id: string;
  readonly task: D;
  /** As on the wire, with defaults. The payload is the JSON that is submitted each time. */
  readonly settings: ScheduleSettings;
  /** The file that defines it, for messages. */
  readonly file: string;
};

/** A moment, as a Date or as ISO 8601 text with its offset, such as `2026-03-01T08:00:00+01:00`. */
export type Moment = Date | string;

/** Exactly one of the three says when. */
type When =
  | {
      /** Five or six fields, or `@daily`. With six, the first one is the second. */
      cron: string;
      everySeconds?: never;
      at?: never;
    }
  | { cron?: never; everySeconds: number; at?: never }
  | { cron?: never; everySeconds?: never; at: Moment };

/** A schedule, as its author writes it. Missing parts have the defaults of `PUT /v1/schedules/{id}`. */
export type ScheduleInput<D extends TaskDefinition> = When & {
  /** It begins with the namespace of the task: `billing.nightly` for `billing.send_invoice`. */
  id: string;
  /** A task or a workflow of the same project. */
  task: D;
  payload: SchemaInput<D['payload']>;
  description?: string;
  /** The IANA time zone of `cron`, `UTC` by default. */
  timezone?: string;
  /** Each time is delayed by up to this many seconds, the same each time that it is computed. */
  jitterSeconds?: number;
  /** The first moment that can be a time of it. Intervals count from here. */
  startsAt?: Moment;
  /** The last moment that can be a time of it. */
  endsAt?: Moment;
  /** Decides about times that nobody handled, because no runner was up. `last` by default. */
  catchUp?: ScheduleSettings['catch_up'];
  catchUpWindowSeconds?: number;
  catchUpMax?: number;
  /** Decides about a time at which the run of an earlier one has not ended. `skip` by default. */
  overlap?: ScheduleSettings['overlap'];
  priority?: number;
  maxAttempts?: number;
  expiresInSeconds?: number;
  concurrencyKey?: string;
  tags?: readonly string[];
};

/** The names of the settings on the wire, by the names in code. */
const WIRE_NAMES = {
  ...{
    payload: 'payload',
    description: 'description',
    cron: 'cron',
    everySeconds: 'every_seconds',
    at: 'at',
  },
  ...{ timezone: 'timezone', jitterSeconds: 'jitter_seconds', startsAt: 'starts_at', endsAt: 'ends_at' },
  ...{ catchUp: 'catch_up', catchUpWindowSeconds: 'catch_up_window_seconds', catchUpMax: 'catch_up_max' },
  ...{ overlap: 'overlap', priority: 'priority', maxAttempts: 'max_attempts', tags: 'tags' },
  ...{ expiresInSeconds: 'expires_in_seconds', concurrencyKey: 'concurrency_key' },
} as const satisfies Record<
  Exclude<keyof ScheduleInput<TaskDefinition>, 'id' | 'task'>,
  keyof ScheduleSettings
>;
/** The names of settings in code, by those on the wire. */
export const CODE_NAMES = new Map<string, string>(
  Object.entries(WIRE_NAMES).map(([name, wire]) => [wire, name]),
);
const WIRE_WORDS = new RegExp(`\\b(?:${[...CODE_NAMES.keys()].join('|')})\\b`, 'g');
const MOMENTS: ReadonlySet<string> = new Set(['at', 'starts_at', 'ends_at']);

/**
 * Defines a schedule of a task or a workflow (specification K1). The types hold the payload against the schema of
 * the task. Runners register it at their start. Throws, and names the file, if a setting is invalid or the payload
 * does not fit; with asynchronous code in its schema, the payload is checked when a runner registers it.
 */
export function defineSchedule<D extends TaskDefinition>(schedule: ScheduleInput<D>): ScheduleDefinition<D> {
  const file = getCallSites(2)[1]?.scriptName ?? 'unknown file';
  const refuse = refusal(schedule.id, file);
  const { id, task, ...given } = schedule;
  if (!isDefinition(task)) return refuse([{ path: '/task', message: 'must be the definition of a task' }]);
  if (task.workflow !== undefined)
    refuse([{ path: '/task', message: `must not be a step: schedule the workflow ${task.workflow}` }]);
  const settings = settingsOf(task, given, refuse);
  // A file must still load when the last time of its schedule is over.
  const ofSettings = settingsProblems(id, settings, new Date(0)).map(wordedInCode);
  const ofOptions = optionProblems(submittable(task), settings, '');
  const problems = [...ofSettings, ...ofOptions, ...payloadProblems(task, settings)];
  if (problems.length > 0) refuse(problems);
  return Object.freeze({ id, task, settings: Object.freeze(settings), file });
}

/** Whether a value, for example an export of a file, is a schedule. */
export function isSchedule(value: unknown): value is ScheduleDefinition {
  return (
    typeof value === 'object' &&
    value !== null &&
    'settings' in value &&
    'task' in value &&
    isDefinition(value.task)
  );
}

type Refuse = (problems: readonly Detail[]) => never;

/** Makes the function that throws problems of a schedule, by the names in code, with the file that contains it. */
function refusal(id: unknown, file: string): Refuse {
  return (problems) => {
    const shown = problems.map(({ path, message }) => `${path === '' ? '' : `${inCode(path)}: `}${message}`);
    throw new Error(`Schedule ${JSON.stringify(id)} in ${file}: ${shown.join('; ')}`);
  };
}

/** The same problem with the names of settings in code. */
function wordedInCode({ path, message }: Detail): Detail {
  return { path, message: message.replaceAll(WIRE_WORDS, (wire) => CODE_NAMES.get(wire) ?? wire) };
}

/** `/catch_up_max` is `catchUpMax` here. Places in the payload stay JSON Pointers. */
function inCode(path: string): string {
  const setting = path.slice(1);
  return CODE_NAMES.get(setting) ?? (setting.includes('/') ? path : setting);
}

function settingsOf(
  task: TaskDefinition,
  given: Readonly<Record<string, unknown>>,
  refuse: Refuse,
): ScheduleSettings {
  const onWire = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const wire = Object.hasOwn(WIRE_NAMES, name) ? WIRE_NAMES[name as keyof typeof WIRE_NAMES] : undefined;
      if (wire === undefined)
        return refuse([
          { path: '', message: `${name} is unknown: there are ${[...CODE_NAMES.values()].join(', ')}` },
        ]);
      return [wire, MOMENTS.has(wire) ? momentOf(value) : value];
    });
  const json = losslessJson({ ...Object.fromEntries(onWire), task: task.name }, '');
  if (!json.ok) return refuse(json.details);
  const parsed = settingsSchema.safeParse(json.value);
  if (parsed.success) return parsed.data;
  return refuse(parsed.error.issues.map(({ path, message }) => ({ path: `/${path.join('/')}`, message })));
}

/** The moment in UTC. Another value is left as it is, for the check of the settings. */
function momentOf(given: unknown): unknown {
  const time = given instanceof Date ? given : new Date(isMomentText(given) ? given : Number.NaN);
  return Number.isNaN(time.getTime()) ? String(given) : time.toISOString();
}

/** Without an offset, Node would take the time zone of its machine. */
function isMomentText(given: unknown): given is string {
  return typeof given === 'string' && /^\d{4}-\d\d-\d\dT.+(?:Z|[+-]\d\d:\d\d)$/.test(given);
}

function payloadProblems(task: TaskDefinition, { payload }: ScheduleSettings): readonly Detail[] {
  const parsed = task.judges.payload(payload, '/payload');
  return parsed instanceof Promise || parsed.ok ? [] : parsed.details;
}
