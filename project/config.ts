import { z } from 'zod';
import { isSchedule, type ScheduleDefinition } from '../core/schedules/schedule.ts';
import { isDefinition } from '../core/task.ts';
import type { TaskList } from '../core/task_list.ts';

/** The tasks that come with Errand and that a project may have. `ci.build` runs scripts of repositories. */
export const SHIPPED = ['example.*', 'http.request', 'ci.build'] as const;
export type Shipped = (typeof SHIPPED)[number];

/** The content of `errand.config.ts`. */
export type ErrandConfig = {
  /**
   * Folders, relative to the file. Errand searches them for `*.task.ts` and `*.workflow.ts`; the code of each
   * is beside it, in `*.handler.ts` or `*.steps.ts`. Schedules are in `*.schedule.ts`. Or an explicit list (see
   * `listTasks`).
   */
  tasks: readonly string[] | TaskList;
  /**
   * The tasks that Errand ships and this project has: `example.*` and `http.request` by default. In production
   * `example.*` never exists.
   */
  shipped?: readonly Shipped[];
  /**
   * The name of the repository, which owns its tasks in a database that several repositories share. By default
   * the name in the nearest package.json. Parts of one repository that change tasks together need the same
   * name.
   */
  project?: string;
};

/** A project that cannot be loaded. The message names the file, and what to do. */
export class ProjectError extends Error {
  override readonly name = 'ProjectError';
}

/** Gives `errand.config.ts` its types. The value is checked when a process loads it. */
export function defineConfig(config: ErrandConfig): ErrandConfig {
  return config;
}

const folder = z.string().min(1, 'must name a folder, for example ./tasks');
const list = z.strictObject({
  definitions: z.array(z.custom<TaskList['definitions'][number]>(isDefinition, 'must be a definition')),
  handlers: z.record(
    z.string(),
    z.custom<TaskList['handlers'][string]>(
      (value) => typeof value === 'function',
      'must be a function that imports the handler: () => import(…)',
    ),
  ),
  schedules: z.array(z.custom<ScheduleDefinition>(isSchedule, 'must be a schedule')).default([]),
});
/** As npm allows for the name of a package. */
const MAX_PROJECT_LENGTH = 214;
const PROJECT = `must have 1 to ${MAX_PROJECT_LENGTH} characters, for example "shop"`;
const configSchema = z.strictObject({
  tasks: z.union([z.array(folder).min(1, 'must name at least one folder, for example ./tasks'), list], {
    error: 'must be a list of folders, for example ["./tasks"], or the result of listTasks(…)',
  }),
  shipped: z
    .array(z.enum(SHIPPED, { error: `must be one of ${SHIPPED.join(', ')}` }))
    .default(['example.*', 'http.request']),
  project: z.string().min(1, PROJECT).max(MAX_PROJECT_LENGTH, PROJECT).optional(),
});

export type ParsedConfig = z.output<typeof configSchema>;

/**
 * Checks what a configuration file exports. `form` says what it must contain. Throws ProjectError, which names
 * each wrong key.
 */
export function parseProjectConfig(
  value: unknown,
  file: string,
  form = "It must export default defineConfig({ tasks: ['./tasks'] }).",
): ParsedConfig {
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => {
    const at = issue.path.length === 0 ? 'the default export' : issue.path.join('.');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => `  ${at === 'the default export' ? key : `${at}.${key}`}: is unknown`);
    return [`  ${at}: ${issue.message}`];
  });
  throw new ProjectError(`${file} is not valid:\n${problems.join('\n')}\n${form}`);
}
