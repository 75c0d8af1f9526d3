/** The names inside these values belong to the author of the task, so they are not changed. */
const OPAQUE_NAMES = ['payload', 'result', 'metadata', 'fields'] as const;
export type Opaque = (typeof OPAQUE_NAMES)[number];
const OPAQUE: ReadonlySet<string> = new Set(OPAQUE_NAMES);

/** A JSON value of the API with names in the style of TypeScript: `created_at` becomes `createdAt`. */
export function toCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toCamelCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase()),
      OPAQUE.has(name) ? inner : toCamelCase(inner),
    ]),
  );
}
