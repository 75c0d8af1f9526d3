import { isDeepStrictEqual } from 'node:util';
import { pointerPart } from '../../core/json.ts';
import type { JsonSchema } from '../../core/schema.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { refTo } from './document.ts';

/** What Zod calls a schema that refers to itself and has no id. */
const ANONYMOUS = /^__(schema\d+)$/;
/** Hold schemas by names of the author's, which may be those of keywords. */
const BY_NAME = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs']);
/** Hold values, in which `$ref` is a key like any other. */
const VALUES = new Set(['const', 'enum', 'default', 'example', 'examples']);

type Schemas = Record<string, JsonSchema>;
/** What a component is made from, to tell whether another one of its name is the same. */
type Hoisted = { schemas: Schemas; sources: Map<string, unknown> };

/**
 * The component schemas of payloads and results, with the parts that these share or that recur as components, too: those with
 * an id under it, for all definitions that have the same, the others under the name of the task. If something else has that name
 * already, one of `taken` or another definition's part, the name of the task comes before it.
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
      throw new Error(`The schema of ${component} refers to ${pointer}, which it does not have`);
    return refTo('schemas', name).$ref;
  }
}

/** The first name that nothing else has. */
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

/** A part with all that it refers to, directly or not. */
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

/** A copy whose references are changed. */
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

/** A format says what its expression would say again in each field. */
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

/** The reference to a part of a schema, as Zod writes it: plain, or with what a URL can't have encoded. */
function pointersTo(key: string): string[] {
  const part = pointerPart(key);
  return [`#/$defs/${part}`, `#/$defs/${encodeURIComponent(part)}`];
}
