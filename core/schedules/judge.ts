import { judgeTaskPayload, payloadInWords, type Versioned } from '../payload.ts';
import { submittable } from '../registration/submittable.ts';
import type { TaskDefinition } from '../task.ts';
import { settingsSchema } from './settings.ts';
import { submissionOf } from './submission.ts';
import { dueAt } from './times.ts';

/** How many problems of a payload are named. */
const MAX_PROBLEMS = 5;

/** A stored schedule whose task has another definition than before. */
export type Judgeable = {
  id: string;
  origin: 'code' | 'api';
  /** As stored: another version of Errand may have written it. */
  settings: unknown;
  /** The version that its payload was written for. */
  version: string;
  nextAt: Date | null;
};

/** The verdict of a definition about a schedule: its new submission and due time, or why it is broken, in words. */
export type Verdict = { id: string } & (
  | { broken: null; submission: Record<string, unknown>; dueAt: Date | null }
  | { broken: string }
);

/**
 * Judges a stored schedule by the new definition of its task (specification K1). A payload of an older version that
 * the definition converts keeps its version: each run converts it, as for waiting tasks. Never rejects.
 */
export async function judgeSchedule(definition: TaskDefinition, schedule: Judgeable): Promise<Verdict> {
  const { id, version, nextAt } = schedule;
  const parsed = settingsSchema.safeParse(schedule.settings);
  if (!parsed.success)
    return { id, broken: 'another version of Errand has stored its settings: store it again' };
  const settings = parsed.data;
  const misfit = await payloadMisfit(definition, { version, payload: settings.payload });
  if (misfit !== null) return { id, broken: `${misfit}. ${remedyOf(definition, schedule)}` };
  const submission = submissionOf(id, settings, submittable(definition));
  try {
    return {
      ...{ id, broken: null, dueAt: nextAt === null ? null : dueAt(id, settings, nextAt) },
      submission: definition.upcasts.has(version) ? { ...submission, version } : submission,
    };
  } catch (error) {
    return { id, broken: timesProblem(error) };
  }
}

/** Why the payload of a schedule does not fit a definition, in words; null if it does. Never rejects. */
export async function payloadMisfit(definition: TaskDefinition, task: Versioned): Promise<string | null> {
  const parsed = await judgeTaskPayload(definition, task, '/payload', MAX_PROBLEMS);
  if (parsed.ok) return null;
  const problems = parsed.details.map(({ path, message }) => `${path} ${message}`);
  return `${payloadInWords(definition, task)}: ${problems.join('; ')}`;
}

/** Why the times of a schedule cannot be computed: for example, this Node does not have its time zone. */
export function timesProblem(error: unknown): string {
  return `its times cannot be computed: ${error instanceof Error ? error.message : String(error)}`;
}

function remedyOf({ name, version }: TaskDefinition, schedule: Judgeable): string {
  const change =
    schedule.origin === 'api'
      ? `Change its payload (PUT /v1/schedules/${schedule.id})`
      : 'Change its payload in the code of its repository';
  const isOlder = schedule.version !== version;
  return `${change}${isOlder ? `, or add an upcast from version ${schedule.version} to ${name} ${version}` : ''}`;
}
