/** What belongs to those who wrote the task: its names are theirs. */
const OPAQUE = new Set(['payload', 'result', 'metadata', 'fields']);

/** A value of the wire with its names in TypeScript's spelling: `created_at` becomes `createdAt`. */
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
