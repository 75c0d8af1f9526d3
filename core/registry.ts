import leven from 'leven';
import type { RateRule } from './limits/rates.ts';
import type { LimitRule } from './limits/rules.ts';
import type { TaskDefinition } from './task.ts';

/** The definitions that a process knows, by name. */
export type Registry = {
  readonly definitions: readonly TaskDefinition[];
  get(name: string): TaskDefinition | undefined;
};

/** The part of a mistyped name that is compared with the known ones. */
const COMPARED_LENGTH = 256;

/** The namespaces of built-in tasks, which are not submitted by name. In SQL: errand.is_own_namespace. */
const OWN_NAMESPACES: readonly string[] = ['errand', 'webhook'];

/** Whether a namespace belongs to built-in tasks. */
export function isOwnNamespace(namespace: string): boolean {
  return OWN_NAMESPACES.includes(namespace);
}

/**
 * Makes a registry. Throws, and names the file, if two definitions have the same name (specification T6), or
 * if one is in a namespace of built-in tasks.
 */
export function createRegistry(definitions: readonly TaskDefinition[]): Registry {
  const byName = new Map<string, TaskDefinition>();
  for (const definition of definitions) {
    if (isOwnNamespace(definition.namespace)) {
      throw new Error(
        `Task ${JSON.stringify(definition.name)} in ${definition.file}: the namespace ${definition.namespace} is reserved for built-in tasks. Choose another one`,
      );
    }
    const other = byName.get(definition.name);
    if (other !== undefined) {
      throw new Error(
        `Task name ${JSON.stringify(definition.name)} is defined twice: in ${other.file} and ${definition.file}. Rename one`,
      );
    }
    byName.set(definition.name, definition);
  }
  checkLimits(definitions);
  return {
    definitions,
    get: (name) => byName.get(name),
  };
}

/** Throws if two definitions say different things about a limit that they share. */
function checkLimits(definitions: readonly TaskDefinition[]): void {
  const seen = new Map<string, { says: string; by: TaskDefinition }>();
  const all = definitions.flatMap((one) => [one, ...(one.graph?.steps ?? []).map((step) => step.definition)]);
  for (const by of all) {
    const { concurrency = [], rate = [] } = by.policy;
    for (const rule of [...concurrency, ...rate]) {
      const says = limitInWords(rule);
      const other = seen.get(rule.name);
      seen.set(rule.name, { says, by });
      if (other === undefined || other.says === says) continue;
      throw new Error(
        `The limit ${JSON.stringify(rule.name)} is ${other.says} in ${other.by.name} (${other.by.file}) and ${says} in ${by.name} (${by.file}). Share one defineLimit`,
      );
    }
  }
}

function limitInWords(rule: LimitRule | RateRule): string {
  if (!('periodSeconds' in rule)) return String(rule.limit);
  const { limit, periodSeconds, burst } = rule;
  return `${limit} in ${periodSeconds} s${burst < limit ? ` with a burst of ${burst}` : ''}`;
}

/** The names of these definitions, including those of workflow steps. */
export function taskNames(definitions: readonly TaskDefinition[]): string[] {
  return definitions.flatMap(({ name, graph }) => [
    name,
    ...(graph?.steps ?? []).map((step) => step.definition.name),
  ]);
}

/** Up to three similar names, the nearest first. Only the first part of a long name is compared. */
export function closest(given: string, names: readonly string[]): string[] {
  const name = given.slice(0, COMPARED_LENGTH);
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
