import type { Json, JsonSchema } from '../data/records.ts';

/** A field of a form. `path` is the JSON Pointer of its value in the payload. */
export type Field = {
  path: string;
  title: string;
  description: string;
  isRequired: boolean;
  /** `json` is for all that a plain field cannot express. */
  kind: 'text' | 'long' | 'integer' | 'number' | 'boolean' | 'choice' | 'json' | 'group';
  options: Json[];
  /** What the API takes if the field stays empty, as it is typed. */
  placeholder: string;
  /** The fields of a group. */
  fields: Field[];
};

/** What was typed, by the path of the field. A field that is missing or empty is not sent. */
export type Typed = Readonly<Record<string, string>>;

const MAX_DEPTH = 3;
/** A text that may be longer than this gets several lines. */
const LONG_TEXT = 1_000;

/** The fields of a schema of a payload; null if it is not an object of known properties. */
export function fieldsOf(schema: JsonSchema, path = '', depth = 0): Field[] | null {
  const { properties, required } = schema;
  if (!isObject(properties) || depth > MAX_DEPTH) return null;
  const needed = new Set(Array.isArray(required) ? required : []);
  return Object.entries(properties).map(([name, property]) =>
    fieldOf(
      name,
      isObject(property) ? property : {},
      `${path}/${pointerPart(name)}`,
      needed.has(name),
      depth,
    ),
  );
}

function fieldOf(name: string, schema: JsonSchema, path: string, isRequired: boolean, depth: number): Field {
  const known = withoutNull(schema);
  const fields = known.type === 'object' ? fieldsOf(known, path, depth + 1) : null;
  const options = Array.isArray(known.enum) ? (known.enum as Json[]) : [];
  const isOpen = known.additionalProperties !== undefined && known.additionalProperties !== false;
  const isGroup = fields !== null && fields.length > 0 && !isOpen;
  const kind = isGroup ? 'group' : kindOf(known, options);
  return {
    ...{ path, isRequired, options, kind, fields: isGroup ? fields : [] },
    title: name,
    description: typeof schema.description === 'string' ? schema.description : '',
    placeholder: schema.default === undefined ? '' : asTyped(schema.default as Json, 'text'),
  };
}

function kindOf({ type, maxLength, pattern }: JsonSchema, options: readonly Json[]): Field['kind'] {
  if (options.length > 0) return 'choice';
  if (type === 'integer' || type === 'number' || type === 'boolean') return type;
  if (type !== 'string') return 'json';
  const most = typeof maxLength === 'number' ? maxLength : 0;
  return most > LONG_TEXT && pattern === undefined ? 'long' : 'text';
}

/** `anyOf: [x, null]` and `type: [x, null]` are fields of x that may stay empty. */
function withoutNull(schema: JsonSchema): JsonSchema {
  if (Array.isArray(schema.anyOf)) {
    const others = schema.anyOf.filter((one) => isObject(one) && one.type !== 'null');
    const [only] = others;
    if (others.length === 1 && isObject(only)) return only;
  }
  if (!Array.isArray(schema.type)) return schema;
  const types = schema.type.filter((one) => one !== 'null');
  return types.length === 1 ? { ...schema, type: types[0] } : { ...schema, type: undefined };
}

/** What a form shows of a payload. */
export function typedOf(fields: readonly Field[], payload: unknown): Typed {
  return Object.fromEntries(
    fields.flatMap((field) => {
      const value = valueAt(payload, field.path);
      if (field.kind === 'group') return Object.entries(typedOf(field.fields, payload));
      if (value === undefined) return [];
      return [[field.path, asTyped(value, field.kind)] as const];
    }),
  );
}

/**
 * The payload that a form describes, with what the payload before it had besides the fields. Or what is wrong,
 * by the path of the field.
 */
export function payloadOf(
  fields: readonly Field[],
  typed: Typed,
  before: unknown = {},
): { payload: Record<string, Json> } | { problems: Typed } {
  const payload = structuredClone(isObject(before) ? before : {}) as Record<string, Json>;
  const problems: Record<string, string> = {};
  write(fields, typed, payload, problems);
  return Object.keys(problems).length > 0 ? { problems } : { payload };
}

function write(
  fields: readonly Field[],
  typed: Typed,
  into: Record<string, Json>,
  problems: Record<string, string>,
): void {
  for (const field of fields) {
    const { title, path, kind } = field;
    if (kind === 'group') {
      const isTouched = Object.entries(typed).some(([at, text]) => at.startsWith(`${path}/`) && text !== '');
      if (!isTouched && !field.isRequired) {
        delete into[title];
        continue;
      }
      const inner = isObject(into[title]) ? (into[title] as Record<string, Json>) : {};
      write(field.fields, typed, inner, problems);
      into[title] = inner;
      continue;
    }
    const text = typed[path] ?? '';
    if (text === '') {
      delete into[title];
      if (field.isRequired && kind !== 'text' && kind !== 'long') problems[path] = 'This is required';
      else if (field.isRequired) into[title] = '';
      continue;
    }
    const read = readText(text, kind);
    if ('problem' in read) problems[path] = read.problem;
    else into[title] = read.value;
  }
}

function readText(text: string, kind: Field['kind']): { value: Json } | { problem: string } {
  if (kind === 'text' || kind === 'long') return { value: text };
  if (kind === 'integer' || kind === 'number') {
    const value = Number(text);
    const fits =
      text.trim() !== '' && (kind === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value));
    return fits
      ? { value }
      : { problem: kind === 'integer' ? 'This is no whole number' : 'This is no number' };
  }
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return { problem: 'This is not JSON' };
  }
}

/** A value as it is typed into a field of this kind. */
function asTyped(value: Json, kind: Field['kind']): string {
  const isText = (kind === 'text' || kind === 'long') && typeof value === 'string';
  return isText ? value : JSON.stringify(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function valueAt(payload: unknown, path: string): Json | undefined {
  let value: unknown = payload;
  for (const part of path.split('/').slice(1)) {
    if (!isObject(value)) return undefined;
    value = value[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return value as Json | undefined;
}
