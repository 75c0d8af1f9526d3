import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Ownership } from '../../core/registration/owner.ts';
import { schemaHashOf } from '../../core/registration/schema_hash.ts';
import { submittable } from '../../core/registration/submittable.ts';
import { type Course, courseOfChange } from '../../core/schedules/course.ts';
import { payloadMisfit, timesProblem } from '../../core/schedules/judge.ts';
import { firstTime } from '../../core/schedules/plan.ts';
import type { ScheduleDefinition } from '../../core/schedules/schedule.ts';
import { settingsSchema } from '../../core/schedules/settings.ts';
import { submissionOf } from '../../core/schedules/submission.ts';
import type { TaskDefinition } from '../../core/task.ts';
import {
  type CodeSchedule,
  type Registration,
  readUnregistered,
  removeUnlisted,
  type StoredSchedule,
  storeSchedules,
  type Unregistered,
} from '../../store/schedules/register.ts';

/** Others change a schedule now and then, not again and again. */
const ATTEMPTS = 5;

/** The schedules in the code of a runner. */
export type ScheduleRegistration = {
  /** The runner lists them in its row. */
  readonly ids: readonly string[];
  /**
   * Stores those that are new or have changed, for a runner whose row lists them, and removes those that no runner
   * of its repository has any more. Throws if a live runner of another repository has one of them, and names both.
   */
  register(runnerId: number): Promise<void>;
  /** The same in rounds, for example after the last runner with other settings has left. */
  keep(runnerId: number): Promise<void>;
  /** Removes those that no runner of the repository has any more, because one has ended. */
  removeOld(): Promise<void>;
};

/** A schedule with the definition of its task and its row. */
type Own = { schedule: ScheduleDefinition; definition: TaskDefinition; row: CodeSchedule };

type Parts = {
  pool: Pool;
  log: Logger;
  project: string | null;
  own: ReadonlyMap<string, Own>;
  /** Those that the API has, and that were logged. */
  logged: Set<string>;
};

/** Makes the registration of the schedules of a project. `definitions` has those of its tasks. */
export function scheduleRegistration(options: {
  pool: Pool;
  log: Logger;
  schedules: readonly ScheduleDefinition[];
  definitions: ReadonlyMap<string, { definition: TaskDefinition }>;
  ownership: Ownership | undefined;
}): ScheduleRegistration {
  const { pool, log, schedules, definitions, ownership } = options;
  const own = new Map(
    schedules.map((schedule) => {
      const { id, task } = schedule;
      const definition = definitions.get(task.name)?.definition ?? task;
      return [id, { schedule, definition, row: toRow(schedule, definition) }];
    }),
  );
  const parts: Parts = { pool, log, project: ownership?.project ?? null, own, logged: new Set() };

  async function register(runnerId: number, mend: boolean): Promise<void> {
    if (own.size > 0) await storeAll(parts, { runnerId, mend });
    await remove(parts);
  }
  return {
    ids: [...own.keys()],
    register: (runnerId) => register(runnerId, true),
    keep: (runnerId) => register(runnerId, false),
    removeOld: () => remove(parts),
  };
}

function toRow({ id, task, settings }: ScheduleDefinition, definition: TaskDefinition): CodeSchedule {
  return {
    ...{ id, task: task.name, settings, schemaHash: schemaHashOf(definition) },
    submission: submissionOf(id, settings, submittable(definition)),
  };
}

/** Stores what differs. A row that somebody changes meanwhile is read again. */
async function storeAll(parts: Parts, options: { runnerId: number; mend: boolean }): Promise<void> {
  const { pool, project, own } = parts;
  let left = Array.from(own.values(), ({ row }) => row);
  for (let attempt = 1; left.length > 0 && attempt <= ATTEMPTS; attempt++) {
    const differing = await readUnregistered(pool, left, { project, ...options });
    refuseOwned(parts, differing);
    const planned = await Promise.all(withoutTaken(parts, differing).map((one) => plan(parts, one)));
    if (planned.length === 0) return;
    const stored = new Set(await storeSchedules(pool, planned, project));
    report(
      parts,
      planned.filter(({ id }) => stored.has(id)),
    );
    left = planned.filter(({ id }) => !stored.has(id));
  }
  if (left.length > 0)
    throw new Error(
      `These schedules changed again and again while they were registered: ${left.map(({ id }) => id).join(', ')}`,
    );
}

async function plan({ own }: Parts, { id, now, stored }: Unregistered): Promise<Registration> {
  const { schedule, definition, row } = requireOwn(own, id);
  const { settings, file } = schedule;
  const revision = stored?.revision ?? null;
  // Asynchronous code of a schema could not be asked when the file was loaded.
  const given = { version: definition.version, payload: settings.payload };
  const misfit = await payloadMisfit(definition, given);
  try {
    const course = courseOf({ id, settings }, now, stored);
    return {
      ...row,
      revision,
      ...course,
      broken: misfit === null ? null : `${misfit}. Change it in ${file}`,
    };
  } catch (error) {
    const course = { nextAt: stored?.nextAt ?? null, dueAt: null, skipped: null };
    return { ...row, revision, ...course, broken: timesProblem(error) };
  }
}

function courseOf(
  { id, settings }: Pick<ScheduleDefinition, 'id' | 'settings'>,
  now: Date,
  stored: StoredSchedule | null,
): Course {
  const before = settingsSchema.safeParse(stored?.settings);
  if (stored !== null && before.success)
    return courseOfChange({ ...stored, id, settings: before.data }, settings, now);
  // It is new, or another version of Errand has stored settings that nobody here can read.
  const lastAt = stored?.lastAt ?? null;
  return { ...firstTime({ id, settings, now, lastAt, overdue: null }), skipped: null };
}

function requireOwn(own: Parts['own'], id: string): Own {
  const found = own.get(id);
  if (found === undefined) throw new Error(`Postgres gave the schedule ${id}, for which it was not asked`);
  return found;
}

/** As for names of tasks: throws, and names both repositories. */
function refuseOwned({ own, project }: Parts, differing: readonly Unregistered[]): void {
  const owned = differing.flatMap(({ id, stored }) => {
    const other = stored?.origin === 'code' ? stored.otherOwner : null;
    if (other == null) return [];
    const { file } = requireOwn(own, id).schedule;
    return [`  ${id}: here it is in ${file}, but ${nameOf(other.project)} has it, too (${other.runner})`];
  });
  if (owned.length === 0) return;
  throw new Error(
    [
      `These schedules of ${nameOf(project)} belong to another repository:`,
      ...owned,
      'Rename them in one of the repositories. If both are one repository, give both the same `project` in errand.config.ts.',
    ].join('\n'),
  );
}

function nameOf(project: string | null): string {
  return project ?? 'a repository without a name';
}

/** Leaves out those that the API has. Each is logged once. */
function withoutTaken({ own, log, logged }: Parts, differing: readonly Unregistered[]): Unregistered[] {
  const isTaken = ({ stored }: Unregistered): boolean => stored?.origin === 'api';
  for (const { id } of differing.filter(isTaken)) {
    if (!logged.has(id))
      log.error(
        { schedule: id, file: requireOwn(own, id).schedule.file },
        `the schedule ${id} was made by the API, so the one in code is not registered: rename the one in code, or remove that of the API (DELETE /v1/schedules/${id})`,
      );
    logged.add(id);
  }
  return differing.filter((one) => !isTaken(one));
}

function report({ log }: Parts, stored: readonly Registration[]): void {
  for (const { id, broken } of stored) {
    if (broken !== null)
      log.error({ schedule: id, reason: broken }, 'a schedule is broken: it no longer submits tasks');
  }
  if (stored.length > 0) log.info({ schedules: stored.map(({ id }) => id) }, 'registered schedules');
}

async function remove({ pool, project, log }: Parts): Promise<void> {
  const removed = await removeUnlisted(pool, project);
  if (removed.length > 0)
    log.info({ schedules: removed }, 'removed schedules that are no longer in the code of any runner');
}
