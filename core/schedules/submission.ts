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
  const expiresInSeconds = settings.expires_in_seconds ?? policy.expiresInSeconds;
  return {
    name,
    version,
    priority: settings.priority ?? policy.priority,
    max_attempts: settings.max_attempts ?? policy.maxAttempts,
    ...(settings.tags.length === 0 ? {} : { tags: settings.tags }),
    ...(expiresInSeconds === undefined ? {} : { expires_in_ms: expiresInSeconds * 1_000 }),
    ...(settings.concurrency_key === null ? {} : { concurrency_key: settings.concurrency_key }),
    ...(policy.callbackUrl === undefined ? {} : { callback_url: policy.callbackUrl }),
    ...(steps === null ? {} : { steps }),
    submitted_by: `schedule:${id}`,
    schedule_id: id,
    dedup: 'schedule',
  };
}
