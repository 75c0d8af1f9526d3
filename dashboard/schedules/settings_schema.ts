import type { Handler, JsonSchema } from '../data/records.ts';

const text = (description: string): JsonSchema => ({ type: 'string', description });
const whole = (description: string, more: object = {}): JsonSchema => ({
  ...{ type: 'integer', description },
  ...more,
});
const choice = (values: readonly string[], description: string): JsonSchema => ({
  ...{ type: 'string', enum: values, default: values[0], description },
});

/** When a schedule runs, as PUT /v1/schedules describes it. */
const TIMING: Record<string, JsonSchema> = {
  cron: text(
    'Five fields, or six with the seconds first, such as 30 7 * * MON-FRI. Or give one of the next two',
  ),
  every_seconds: whole('Equal steps of elapsed time'),
  at: text('A single time, such as 2026-03-01T07:30:00Z'),
  timezone: { ...text('The time zone of the cron rule, such as Europe/Berlin'), default: 'UTC' },
};

const RARE: Record<string, JsonSchema> = {
  description: text('What it is for'),
  overlap: choice(
    ['skip', 'queue_one', 'cancel_running', 'allow'],
    'What happens at a time when a task of the schedule has not finished',
  ),
  catch_up: choice(['last', 'all', 'skip'], 'What happens to times at which no runner was up'),
  catch_up_max: whole('With all: at most this many of them', { default: 100 }),
  catch_up_window_seconds: whole('Missed times that are older are skipped', { default: 604_800 }),
  jitter_seconds: { type: 'number', default: 0, description: 'Each time is handled later by up to this' },
  starts_at: text('There is no time before this one'),
  ends_at: text('There is no time after this one'),
  priority: whole('Smaller runs first'),
  max_attempts: whole('How often its tasks are tried'),
  tags: { type: 'array', description: 'The tags of its tasks, such as ["nightly"]' },
};

/** The settings that a form shows at once, with the payload of this task, as one schema. */
export function usualSettings(handler: Handler | undefined): JsonSchema {
  const payload = handler?.payload_schema ?? {};
  return { type: 'object', properties: { ...TIMING, payload }, required: ['payload'] };
}

/** The settings that a form shows on demand. */
export const RARE_SETTINGS: JsonSchema = { type: 'object', properties: RARE };
