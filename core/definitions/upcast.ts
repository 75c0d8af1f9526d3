import type { Schema, SchemaInput, SchemaOutput } from '../schema.ts';
import { judgeOf } from '../verdict/judge.ts';
import { isNewer, VERSION_PATTERN } from './version.ts';

type MaybePromise<T> = T | Promise<T>;

/**
 * Converts a payload of an older version to the input of the newest one. It gets a copy: the stored payload
 * stays as submitted.
 */
export type Upcast<Payload extends Schema = Schema> = (old: unknown) => MaybePromise<SchemaInput<Payload>>;

/** By source version. Each upcast gives the newest version, so a new version means checking all of them. */
export type Upcasts<Payload extends Schema = Schema> = Readonly<Record<string, Upcast<Payload>>>;

/**
 * Makes an upcast that is typed by the schema of the older version: `to` gets the parsed payload. The upcast
 * throws if the payload does not fit that schema.
 */
export function upcastFrom<Old extends Schema, New>(
  schema: Old,
  to: (old: SchemaOutput<Old>) => MaybePromise<New>,
): (old: unknown) => Promise<New> {
  const judge = judgeOf(schema, { isJson: true });
  return async (old) => {
    const parsed = await judge(old, '/payload');
    if (parsed.ok) return to(parsed.value);
    const problems = parsed.details.map(({ path, message }) => `${path} ${message}`);
    throw new Error(`the payload does not fit the schema of its version: ${problems.join('; ')}`);
  };
}

/** The upcasts of a definition, by version. Refuses upcasts from a version that is not older than its own. */
export function checkedUpcasts(
  version: string,
  upcasts: Upcasts,
  refuse: (why: string) => never,
): ReadonlyMap<string, Upcast> {
  for (const from of Object.keys(upcasts)) {
    if (!VERSION_PATTERN.test(from))
      refuse(`upcast: the version ${JSON.stringify(from)} must match ${VERSION_PATTERN}`);
    if (!isNewer(version, from)) refuse(`upcast: the version ${from} is not older than ${version}`);
  }
  return new Map(Object.entries(upcasts));
}
