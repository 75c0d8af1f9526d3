import { valueAt } from '../../core/json.ts';

/** Stands in a template for what an event has at a JSON Pointer. */
const FROM = '$from';

/**
 * The payload that a template makes of an event: `{ "$from": "/pointer" }` is what the event has there. Where it has
 * nothing, a property is left out and an item is null.
 */
export function fillTemplate(template: unknown, event: unknown): unknown {
  if (typeof template !== 'object' || template === null) return template;
  if (Array.isArray(template)) return template.map((item) => fillTemplate(item, event) ?? null);
  const pointer = pointerOf(template);
  if (pointer !== null) return valueAt(event, pointer);
  return Object.fromEntries(
    Object.entries(template)
      .map(([key, value]) => [key, fillTemplate(value, event)] as const)
      .filter(([, value]) => value !== undefined),
  );
}

/** Where in an event stands what is at a pointer into the payload; the pointer itself when no event has a say in that. */
export function placeInEvent(template: unknown, pointer: string): string {
  const parts = pointer.split('/').slice(1);
  for (let index = 0; index <= parts.length; index++) {
    const above = [''].concat(parts.slice(0, index)).join('/');
    const from = pointerOf(valueAt(template, above));
    if (from !== null) return `/body${from}${[''].concat(parts.slice(index)).join('/')}`;
  }
  return `/payload${pointer}`;
}

/** What is wrong with the marks in a template; empty when nothing is. */
export function templateProblems(template: unknown): string[] {
  if (typeof template !== 'object' || template === null) return [];
  if (!Object.hasOwn(template, FROM)) return Object.values(template).flatMap(templateProblems);
  if (Array.isArray(template) || Object.keys(template).length > 1) {
    return [`an object with ${FROM} has nothing besides`];
  }
  const pointer = (template as Record<string, unknown>)[FROM];
  return typeof pointer === 'string' && /^(\/|$)/.test(pointer)
    ? []
    : [`${FROM} must be a JSON Pointer such as "/data/id", or "" for the whole event`];
}

function pointerOf(template: unknown): string | null {
  if (typeof template !== 'object' || template === null || !Object.hasOwn(template, FROM)) return null;
  return String((template as Record<string, unknown>)[FROM]);
}
