/** The names inside these values belong to the author of the task, so they are not changed. */
const OPAQUE = new Set(['payload', 'result', 'metadata', 'fields']);

/**
 * A record of the client with the names of the HTTP API, so that `--json` prints what the API's document
 * describes: `createdAt` becomes `created_at`.
 */
export function toWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      OPAQUE.has(name) ? inner : toWire(inner),
    ]),
  );
}
