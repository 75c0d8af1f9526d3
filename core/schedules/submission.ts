import type { Submittable } from '../registration/submittable.ts';
import type { ScheduleSettings } from './settings.ts';

/**
 * The ready item for errand.submit_tasks: everything that the definition of the task and the settings say about
 * a submission. It has no payload, which is in the settings, and none of the values of one time (`payload`,
 * `dispatch_id`, `dedup_key`, `scheduled_for`), which each firing adds. With it any runner can fire the schedule,
 * also one whose repository lacks the task.
 */
export function submissionOf(
  id: string,
  settings: ScheduleSettings,
  task: Submittable,
): Record<string, unknown> {
  const { name, version, policy, steps } = task;
  return {
    name,
    version,
    priority: settings.priority ?? policy.priority,
    max_attempts: settings.max_attempts ?? policy.maxAttempts,
    ...(settings.tags.length === 0 ? {} : { tags: settings.tags }),
    ...(policy.expiresInSeconds === undefined ? {} : { expires_in_ms: policy.expiresInSeconds * 1_000 }),
    ...(policy.callbackUrl === undefined ? {} : { callback_url: policy.callbackUrl }),
    ...(steps === null ? {} : { steps }),
    submitted_by: `schedule:${id}`,
    schedule_id: id,
    dedup: 'schedule',
  };
}
