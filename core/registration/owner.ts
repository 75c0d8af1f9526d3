import type { TaskDefinition } from '../task.ts';

/** The owner of the tasks that Errand ships and of the built-in tasks. */
export const ERRAND = 'errand';

/** The owners of the definitions of a process. Each owner is a repository. */
export type Ownership = {
  /** The repository of the process; null if it is not known. */
  readonly project: string | null;
  /** The owner of a definition that the process has: its project or ERRAND. Null if it is not known. */
  ownerOf(definition: TaskDefinition): string | null;
};

/** For processes that belong to no repository. They are refused no names. */
export const NO_OWNERSHIP: Ownership = { project: null, ownerOf: () => null };
