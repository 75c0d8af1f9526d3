import { closest } from '../core/registry.ts';
import { namespaceOf } from '../core/task.ts';
import { ownDefinitions } from '../tasks/index.ts';
import type { RegisteredHandler } from './execute/execute.ts';

/** The built-in tasks: each runner executes them, so that callbacks and bulk operations need no pool. */
const OWN: ReadonlySet<string> = new Set(ownDefinitions.map(({ name }) => name));

/**
 * The handlers that a runner executes: those of the namespaces and names in `served` (RUNNER_NAMESPACES), with the
 * steps of these workflows and the built-in tasks; all of them if it is undefined. Throws an Error, with similar ones,
 * if an entry is neither a namespace nor a name of the project.
 */
export function servedHandlers(
  all: ReadonlyMap<string, RegisteredHandler>,
  served: readonly string[] | undefined,
): Map<string, RegisteredHandler> {
  if (served === undefined) return new Map(all);
  const names = [...all.keys()].filter((name) => !OWN.has(name));
  const known = new Set(names.flatMap((name) => [namespaceOf(name), name]));
  const unknown = served.filter((entry) => !known.has(entry));
  if (unknown.length > 0) throw new Error(unknown.map((entry) => unknownEntry(entry, [...known])).join('\n'));
  const isServed = (name: string): boolean =>
    OWN.has(name) || served.some((entry) => name === entry || name.startsWith(`${entry}.`));
  return new Map([...all].filter(([name]) => isServed(name)));
}

function unknownEntry(entry: string, known: readonly string[]): string {
  const close = closest(entry, known);
  const namespaces = known.filter((one) => !one.includes('.'));
  const hint =
    close.length > 0
      ? `did you mean ${close.join(' or ')}?`
      : `its namespaces are ${namespaces.join(', ') || 'none'}`;
  return `RUNNER_NAMESPACES: the project has neither a namespace nor a task ${JSON.stringify(entry)}: ${hint}`;
}
