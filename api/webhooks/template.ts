import { valueAt } from '../../core/json/json.ts';

/** In a template, this key stands for the value at a JSON Pointer of the event. */
const FROM = '$from';

/**
 * Fills a template with values of an event: `{ "$from": "/pointer" }` becomes the value at that place. If the
 * event has no value there, a property is left out, and an item of a list is null.
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

/**
 * The place in the event for a place in the payload. If the value does not come from the event, the place in
 * the payload itself.
 */
export function placeInEvent(template: unknown, pointer: string): string {
  const parts = pointer.split('/').slice(1);
  for (let index = 0; index <= parts.length; index++) {
    const above = [''].concat(parts.slice(0, index)).join('/');
    const from = pointerOf(valueAt(template, above));
    if (from !== null) return `/body${from}${[''].concat(parts.slice(index)).join('/')}`;
  }
  return `/payload${pointer}`;
}

/** The problems of the `$from` marks in a template; empty if there are none. */
export function templateProblems(template: unknown): string[] {
  if (typeof template !== 'object' || template === null) return [];
  if (!Object.hasOwn(template, FROM)) return Object.values(template).flatMap(templateProblems);
  if (Array.isArray(template) || Object.keys(template).length > 1) {
    return [`an object with ${FROM} must not have other properties`];
  }
  const pointer = (template as Record<string, unknown>)[FROM];
  return typeof pointer === 'string' && /^(\/|$)/.test(pointer)
    ? []
    : [`${FROM} must be a JSON Pointer such as "/data/id", or "" for the entire event`];
}

function pointerOf(template: unknown): string | null {
  if (typeof template !== 'object' || template === null || !Object.hasOwn(template, FROM)) return null;
  return String((template as Record<string, unknown>)[FROM]);
}
