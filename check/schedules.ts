import { judgeSchedule, payloadMisfit } from '../core/schedules/judge.ts';
import type { Project } from '../project/project.ts';
import type { Database } from '../store/database/pool.ts';
import { readSchedulesOf } from '../store/schedules/judge.ts';
import { readUnregistered } from '../store/schedules/register.ts';
import type { Finding, Part } from './findings.ts';

/** Their payloads may be large. */
const PAGE = 200;
/** Newer than any runner: nothing is left to others. */
const NEWEST_RUNNER = 2 ** 31 - 1;

/** The parts of a project that decide about schedules. */
export type CheckedSchedules = Pick<Project, 'registry' | 'schedules' | 'ownership'>;

/** How many schedules were compared, and what was found. */
type Found = Pick<Part, 'problems' | 'warnings'> & { count: number };

/**
 * Compares the schedules in the database with the definitions of a project, and those in its code with the database:
 * which ones would break, or would not be registered, if this project started.
 */
export async function checkSchedules(database: Database, project: CheckedSchedules): Promise<Found> {
  const stored = await checkStored(database, project);
  const own = await checkOwn(database, project);
  return { ...stored, problems: [...stored.problems, ...own] };
}

/** Those of the API, and those in the code of other repositories. */
async function checkStored(database: Database, { registry, ownership }: CheckedSchedules): Promise<Found> {
  const names = registry.definitions.map(({ name }) => name);
  const problems: Finding[] = [];
  const warnings: Finding[] = [];
  let count = 0;
  for (let after = ''; ; ) {
    const page = await readSchedulesOf(database, names, { project: ownership.project, after, limit: PAGE });
    count += page.length;
    for (const schedule of page) {
      const definition = registry.get(schedule.task);
      if (definition === undefined) continue;
      const { id, broken } = await judgeSchedule(definition, schedule);
      if (broken === null) continue;
      if (schedule.broken === null) problems.push(finding(id, `${id}: the schedule would break. ${broken}`));
      else warnings.push(finding(id, `${id}: the schedule is broken, and would stay so. ${broken}`));
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return { count, problems, warnings };
    after = last.id;
  }
}

/** Those in the code of the project. */
async function checkOwn(
  database: Database,
  { registry, schedules, ownership }: CheckedSchedules,
): Promise<Finding[]> {
  if (schedules.length === 0) return [];
  const rows = schedules.map(({ id, task, settings }) => ({
    ...{ id, task: task.name, settings, submission: {}, schemaHash: '' },
  }));
  const { project } = ownership;
  const stored = await readUnregistered(database, rows, { project, runnerId: NEWEST_RUNNER, mend: false });
  const taken = stored.flatMap(({ id, stored: row }) => {
    if (row?.origin === 'api')
      return [
        finding(
          id,
          `${id}: the schedule was made by the API, so the one in code would not be registered: rename it, or remove that of the API (DELETE /v1/schedules/${id})`,
        ),
      ];
    if (row?.otherOwner != null)
      return [
        finding(
          id,
          `${id}: the schedule belongs to ${row.otherOwner.project ?? 'a repository without a name'} (${row.otherOwner.runner}): rename it`,
        ),
      ];
    return [];
  });
  const misfits = await Promise.all(
    schedules.map(async ({ id, task, settings, file }) => {
      const definition = registry.get(task.name) ?? task;
      const why = await payloadMisfit(definition, { version: definition.version, payload: settings.payload });
      return why === null
        ? []
        : [finding(id, `${id}: the schedule would break. ${why}. Change it in ${file}`)];
    }),
  );
  return [...taken, ...misfits.flat()];
}

function finding(name: string, message: string): Finding {
  return { kind: 'schedule', name, message };
}
