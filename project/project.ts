import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ERRAND, type Ownership } from '../core/registration/owner.ts';
import { createRegistry, type Registry } from '../core/registry.ts';
import { isSchedule, type ScheduleDefinition } from '../core/schedules/schedule.ts';
import { isDefinition, type TaskDefinition } from '../core/task.ts';
import type { TaskList } from '../core/task_list.ts';
import { loadRegistry } from '../tasks/index.ts';
import { type ParsedConfig, ProjectError, parseProjectConfig } from './config.ts';
import { findFiles, type TaskFiles } from './files.ts';
import { importModule } from './module.ts';
import { packageName } from './package_name.ts';
import { checkSchedules, type FoundSchedule, schedulesIn } from './schedules.ts';

/** The tasks that a process has: those of the user's project, and those that Errand ships. */
export type Project = {
  /** The folder of the configuration file, or the working directory if there is none. */
  readonly directory: string;
  /** Null if there is no configuration file: the project has all shipped tasks then. */
  readonly configFile: string | null;
  /** In production without `example.*` (specification L6). */
  readonly registry: Registry;
  /** The names of the tasks of the project itself. */
  readonly own: ReadonlySet<string>;
  /** By task name, the file with the code of a definition that was found. */
  readonly codeFiles: ReadonlyMap<string, string>;
  readonly list: TaskList | null;
  /** The schedules of the project itself. In production without those of `example.*`. */
  readonly schedules: readonly ScheduleDefinition[];
  /** The repository of the project, which owns the tasks that Errand does not ship. */
  readonly ownership: Ownership;
};

const CONFIG_FILES = ['ts', 'mts', 'js', 'mjs', 'cts', 'cjs'].map((ending) => `errand.config.${ending}`);

/**
 * Loads `errand.config.ts` of a folder and the definitions that it names; never their handlers (see
 * `loadCode`). Throws ProjectError if a file is wrong, and names it.
 */
export async function loadProject(options: {
  NODE_ENV: string;
  /** Where the file is searched; the working directory by default. */
  directory?: string | undefined;
  /** A path of the file, relative to that folder, instead of the search. */
  ERRAND_CONFIG?: string | undefined;
}): Promise<Project> {
  const searched = options.directory ?? process.cwd();
  const configFile = findConfig(searched, options.ERRAND_CONFIG);
  const allShipped = loadRegistry(options);
  if (configFile === null) {
    const none = { own: new Set<string>(), codeFiles: new Map(), list: null, schedules: [] };
    const ownership = ownershipOf(packageName(searched), new Set());
    return { directory: searched, configFile, registry: allShipped, ...none, ownership };
  }
  const shown = relative(searched, configFile);
  const config = parseProjectConfig((await importModule(configFile, shown)).default, shown);
  return { ...(await projectOf(config, dirname(configFile), allShipped)), configFile };
}

/**
 * Loads the definitions of a project without a configuration file. `given` is what `defineConfig` takes, and
 * folders in it are relative to `directory`. Throws ProjectError, which names `shown` or the wrong file.
 */
export async function makeProject(
  given: unknown,
  { directory, NODE_ENV, shown }: { directory: string; NODE_ENV: string; shown: string },
): Promise<Project> {
  const config = parseProjectConfig(given, shown, "Give, for example, tasks: ['./tasks'].");
  return projectOf(config, directory, loadRegistry({ NODE_ENV }));
}

async function projectOf(config: ParsedConfig, directory: string, allShipped: Registry): Promise<Project> {
  const found = await tasksOf(directory, config);
  const registry = createRegistry([...found.definitions, ...chosenOf(allShipped, config)]);
  const own = new Set(found.definitions.map(({ name }) => name));
  const ownership = ownershipOf(config.project ?? packageName(directory), own);
  const inDevelopment = chosenOf(loadRegistry({ NODE_ENV: 'development' }), config).map(({ name }) => name);
  const schedules = checkSchedules(found.schedules, {
    registry,
    everywhere: new Set([...own, ...inDevelopment]),
  });
  const { codeFiles, list } = found;
  return { directory, configFile: null, registry, own, codeFiles, list, schedules, ownership };
}

/** The shipped tasks that a project has. */
function chosenOf({ definitions }: Registry, { shipped }: ParsedConfig): TaskDefinition[] {
  return definitions.filter(({ name, namespace }) =>
    shipped.some((one) => one === name || one === `${namespace}.*`),
  );
}

/** Whatever the project did not define is shipped. Names are unique, so they decide. */
function ownershipOf(project: string | null, own: ReadonlySet<string>): Ownership {
  return {
    project,
    ownerOf: ({ name, workflow }) => (own.has(workflow ?? name) ? project : ERRAND),
  };
}

/** The configuration file of a folder; null if there is none. Throws ProjectError if the named one is missing. */
export function findConfig(directory: string, named: string | undefined): string | null {
  if (named !== undefined) {
    const file = resolve(directory, named);
    if (!existsSync(file)) throw new ProjectError(`ERRAND_CONFIG names ${named}, which does not exist`);
    return file;
  }
  const found = CONFIG_FILES.map((name) => join(directory, name)).filter((file) => existsSync(file));
  if (found.length > 1) throw new ProjectError(`${directory} has ${found.join(' and ')}: remove one`);
  return found[0] ?? null;
}

type FoundTasks = Pick<Project, 'codeFiles' | 'list'> & {
  definitions: readonly TaskDefinition[];
  schedules: readonly FoundSchedule[];
};

async function tasksOf(directory: string, { tasks }: ParsedConfig): Promise<FoundTasks> {
  if (!Array.isArray(tasks)) {
    const missing = tasks.definitions.filter(({ name }) => !Object.hasOwn(tasks.handlers, name));
    if (missing.length > 0) {
      const names = missing.map(({ name, file }) => `${name} (${file})`).join(', ');
      throw new ProjectError(`tasks.handlers has no handler of ${names}: add one for each`);
    }
    const schedules = tasks.schedules.map((schedule) => ({ schedule, shown: schedule.file }));
    return { definitions: tasks.definitions, codeFiles: new Map(), list: tasks, schedules };
  }
  const files = findFiles(directory, tasks);
  const loading = {
    tasks: files.tasks.map(async (one) => ({ ...one, definition: await definitionIn(directory, one) })),
    schedules: files.schedules.map((file) => schedulesIn(directory, file)),
  };
  await allOf<unknown>([...loading.tasks, ...loading.schedules]);
  const found = await Promise.all(loading.tasks);
  const schedules = await Promise.all(loading.schedules);
  return {
    definitions: found.map(({ definition }) => definition),
    codeFiles: new Map(found.map(({ definition, code }) => [definition.name, code])),
    list: null,
    schedules: schedules.flat(),
  };
}

async function definitionIn(directory: string, { definition: file }: TaskFiles): Promise<TaskDefinition> {
  const shown = relative(directory, file);
  const all = Object.values(await importModule(file, shown));
  const exported = new Set(all.filter(isDefinition));
  if (all.some(isSchedule))
    throw new ProjectError(
      `${shown} exports a schedule: put it into a file whose name ends with .schedule.ts`,
    );
  const [definition, ...others] = exported;
  if (definition === undefined)
    throw new ProjectError(`${shown} exports no definition: export const name = defineTask({ … })`);
  if (others.length > 0) {
    const names = Array.from(exported, ({ name }) => name)
      .sort()
      .join(', ');
    throw new ProjectError(`${shown} exports several definitions (${names}): put each into its own file`);
  }
  return definition;
}

/** The results of all. If some reject, throws one ProjectError with all reasons, each once. */
export async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  const reasons = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (reasons.length === 1) throw reasons[0];
  if (reasons.length > 0)
    throw new ProjectError([...new Set(reasons.map((reason) => messageOf(reason)))].join('\n'));
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
