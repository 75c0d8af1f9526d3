import leven from 'leven';
import type { TaskDefinition } from './task.ts';

/** The definitions that a process knows, by name. */
export type Registry = {
  readonly definitions: readonly TaskDefinition[];
  get(name: string): TaskDefinition | undefined;
  /** Up to three known names that look like this one, nearest first. */
  closeNames(name: string): string[];
};

/** How long a mistyped name is still compared with the known ones. */
const COMPARED_LENGTH = 256;

/** The namespaces of Errand's own tasks, which nobody submits by name. SQL knows them as errand.is_own_namespace. */
const OWN_NAMESPACES: readonly string[] = ['errand', 'webhook'];

/** Whether a namespace is one of Errand's own tasks. */
export function isOwnNamespace(namespace: string): boolean {
  return OWN_NAMESPACES.includes(namespace);
}

/**
 * Makes a registry. Throws, naming the file, when two definitions share a name (specification T6) or one is in a
 * namespace of Errand's own tasks.
 */
export function createRegistry(definitions: readonly TaskDefinition[]): Registry {
  const byName = new Map<string, TaskDefinition>();
  for (const definition of definitions) {
    if (isOwnNamespace(definition.namespace)) {
      throw new Error(
        `Task ${JSON.stringify(definition.name)} in ${definition.file}: the namespace ${definition.namespace} is Errand's own`,
      );
    }
    const other = byName.get(definition.name);
    if (other !== undefined) {
      throw new Error(
        `Task name ${JSON.stringify(definition.name)} is defined twice: in ${other.file} and ${definition.file}`,
      );
    }
    byName.set(definition.name, definition);
  }
  const names = [...byName.keys()];
  return {
    definitions,
    get: (name) => byName.get(name),
    closeNames: (name) => closest(name.slice(0, COMPARED_LENGTH), names),
  };
}

/** What tasks of these definitions are called: by their names, and those of workflows' steps by theirs. */
export function taskNames(definitions: readonly TaskDefinition[]): string[] {
  return definitions.flatMap(({ name, graph }) => [
    name,
    ...(graph?.steps ?? []).map((step) => step.definition.name),
  ]);
}

/** Up to three of these names that look like this one, nearest first. */
export function closest(name: string, names: readonly string[]): string[] {
  const near = Math.max(3, Math.ceil(name.length / 2));
  return names
    .map((known) => ({ known, distance: leven(name, known) }))
    .filter(({ known, distance }) => distance <= near || lastPart(known) === lastPart(name))
    .sort((a, b) => a.distance - b.distance || a.known.localeCompare(b.known))
    .slice(0, 3)
    .map(({ known }) => known);
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
