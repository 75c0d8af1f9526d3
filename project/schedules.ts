import { relative } from 'node:path';
import type { Registry } from '../core/registry.ts';
import { isSchedule, type ScheduleDefinition } from '../core/schedules/schedule.ts';
import { ProjectError } from './config.ts';
import { importModule } from './module.ts';

/** A schedule and the name of its file, for messages. */
export type FoundSchedule = { readonly schedule: ScheduleDefinition; readonly shown: string };

/** The schedules that a file exports. Throws ProjectError if there is none. */
export async function schedulesIn(directory: string, file: string): Promise<FoundSchedule[]> {
  const shown = relative(directory, file);
  const exported = new Set(Object.values(await importModule(file, shown)).filter(isSchedule));
  if (exported.size > 0) return Array.from(exported, (schedule) => ({ schedule, shown }));
  throw new ProjectError(`${shown} exports no schedule: export const name = defineSchedule({ … })`);
}

/**
 * The schedules of a project. Those of tasks that production does not have are left out: `registry` has the tasks
 * of this process, `everywhere` those of all environments. Throws ProjectError, which names the files, if two
 * schedules have one id, or if the project does not have the task of one.
 */
export function checkSchedules(
  found: readonly FoundSchedule[],
  { registry, everywhere }: { registry: Registry; everywhere: ReadonlySet<string> },
): ScheduleDefinition[] {
  const byId = new Map<string, FoundSchedule>();
  const problems: string[] = [];
  for (const one of found) {
    const { id, task } = one.schedule;
    const other = byId.get(id);
    if (other !== undefined && other.schedule !== one.schedule)
      problems.push(
        `Schedule ${JSON.stringify(id)} is defined twice: in ${other.shown} and ${one.shown}. Rename one`,
      );
    else if (!everywhere.has(task.name))
      problems.push(
        `${one.shown}: the schedule ${id} is for ${task.name}, which this project does not have: add the task, or remove the schedule`,
      );
    else byId.set(id, one);
  }
  if (problems.length > 0) throw new ProjectError(problems.join('\n'));
  return Array.from(byId.values(), ({ schedule }) => schedule).filter(
    ({ task }) => registry.get(task.name) !== undefined,
  );
}
