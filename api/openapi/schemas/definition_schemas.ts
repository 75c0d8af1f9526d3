import { isDeepStrictEqual } from 'node:util';
import { pointerPart } from '../../../core/json/json.ts';
import type { JsonSchema } from '../../../core/schema.ts';
import type { TaskDefinition } from '../../../core/task.ts';
import { refTo } from './document.ts';

/** The name that Zod gives to a recursive schema without an id. */
const ANONYMOUS = /^__(schema\d+)$/;
/** These keywords contain schemas under names that the author chose; a name may equal a keyword. */
const BY_NAME = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs']);
/** These keywords contain values, in which `$ref` is an ordinary key. */
const VALUES = new Set(['const', 'enum', 'default', 'example', 'examples']);

type Schemas = Record<string, JsonSchema>;
/**
 * `sources` holds what each component was made from, to see whether another one of the same name is equal.
 */
type Hoisted = { schemas: Schemas; sources: Map<string, unknown> };

/**
 * The component schemas of payloads and results. Parts that they share, or that are recursive, become
 * components too. A part with an id gets that id as its name and is shared by all definitions with an equal
 * part; other parts get the name of the task as a prefix. If a name is already in use, by one of `taken` or
 * by a different part, the name of the task comes before it.
 */
export function definitionSchemas(
  definitions: readonly TaskDefinition[],
  taken: Iterable<string> = [],
): Schemas {
  const roots = definitions.flatMap(({ name, payloadJsonSchema: payload, resultJsonSchema: result }) => [
    { name: `${name}.payload`, schema: payload },
    ...(result === undefined ? [] : [{ name: `${name}.result`, schema: result }]),
  ]);
  const sources = new Map<string, unknown>(
    [...taken, ...roots.map(({ name }) => name)].map((one) => [one, null]),
  );
  const hoisted: Hoisted = { schemas: {}, sources };
  for (const { name, schema } of roots) hoist(hoisted, name, schema);
  return hoisted.schemas;
}

function hoist({ schemas, sources }: Hoisted, component: string, root: JsonSchema): void {
  const { $defs, ...own } = root;
  const defs = Object.entries(($defs ?? {}) as Schemas);
  const parts = new Map(defs.flatMap(([key, part]) => pointersTo(key).map((pointer) => [pointer, part])));
  const find = (pointer: string): JsonSchema | undefined => (pointer === '#' ? own : parts.get(pointer));
  const names = new Map([['#', component]]);
  const fresh = new Map([[component, own]]);
  for (const [key, part] of defs) {
    const source = closure(pointersTo(key)[0] ?? '', find);
    const name = nameFor(sources, key, component, source);
    if (!sources.has(name)) fresh.set(name, part);
    sources.set(name, source);
    for (const pointer of pointersTo(key)) names.set(pointer, name);
  }
  for (const [name, part] of fresh) schemas[name] = withReferences(withoutKnownPatterns(part), toComponent);

  function toComponent(pointer: string): string {
    const name = names.get(pointer);
    if (name === undefined)
      throw new Error(`The schema of ${component} refers to ${pointer}, which does not exist in it`);
    return refTo('schemas', name).$ref;
  }
}

/** The first name that is not used by something else. */
function nameFor(sources: Hoisted['sources'], key: string, component: string, source: unknown): string {
  const anonymous = ANONYMOUS.exec(key)?.[1];
  const plain = (anonymous ?? key).replaceAll(/[^\w.-]+/g, '_');
  const isFree = (name: string): boolean =>
    !sources.has(name) || isDeepStrictEqual(sources.get(name), source);
  if (anonymous === undefined && isFree(plain)) return plain;
  const own = `${component}.${plain}`;
  let name = own;
  for (let count = 2; !isFree(name); count++) name = `${own}_${count}`;
  return name;
}

/** A part with all parts that it refers to, directly or indirectly. */
function closure(start: string, find: (pointer: string) => JsonSchema | undefined): Map<string, JsonSchema> {
  const found = new Map<string, JsonSchema>();
  const open = [start];
  for (let pointer = open.pop(); pointer !== undefined; pointer = open.pop()) {
    const schema = found.has(pointer) ? undefined : find(pointer);
    if (schema === undefined) continue;
    found.set(pointer, schema);
    withReferences(schema, (one) => {
      open.push(one);
      return one;
    });
  }
  return found;
}

/** A copy with changed references. */
function withReferences(schema: JsonSchema, change: (pointer: string) => string): JsonSchema {
  const below = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(below);
    return isObject(value) ? withReferences(value, change) : value;
  };
  const entries = Object.entries(schema).map(([key, value]): [string, unknown] => {
    if (VALUES.has(key)) return [key, value];
    if (key === '$ref' && typeof value === 'string') return [key, change(value)];
    if (!BY_NAME.has(key) || !isObject(value)) return [key, below(value)];
    return [key, Object.fromEntries(Object.entries(value).map(([name, one]) => [name, below(one)]))];
  });
  return Object.fromEntries(entries);
}

/** A copy without patterns of known formats. The format already says the same. */
function withoutKnownPatterns(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) => {
    if (!isObject(value) || value.type !== 'string' || !KNOWN_FORMATS.has(String(value.format))) return value;
    const { pattern: _pattern, ...rest } = value;
    return rest;
  }) as JsonSchema;
}

const KNOWN_FORMATS = new Set(['uuid', 'ipv4', 'date', 'date-time']);

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The forms in which Zod writes the reference to a part: plain, or URL-encoded. */
function pointersTo(key: string): string[] {
  const part = pointerPart(key);
  return [`#/$defs/${part}`, `#/$defs/${encodeURIComponent(part)}`];
}
