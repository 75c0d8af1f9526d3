import { referred, type Schema } from './alternatives.ts';
import { schemaBreaks } from './subset.ts';

/** The compared part of an OpenAPI 3.1 document. */
export type Document = {
  info: { version: string };
  paths: Record<string, Record<string, unknown>>;
  components?: Record<string, Record<string, unknown>>;
};

type Content = Record<string, { schema?: unknown }>;
type Parameter = { name: string; in: string; required?: boolean; schema?: unknown };
type Answer = { headers?: Record<string, unknown>; content?: Content };
type Body = { required?: boolean; content?: Content };
type Operation = { parameters: Parameter[]; requestBody?: Body; responses: Record<string, Answer> };
type Reference = { $ref: string };
/** An operation as written, whose parts may be references. */
type Written = {
  parameters?: (Parameter | Reference)[];
  requestBody?: Body | Reference;
  responses?: Record<string, Answer | Reference>;
};

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/**
 * The changes that break a client of the first document: one line each, empty if the second one is
 * compatible.
 *
 * Compatible changes are: new operations, optional parameters and properties, new statuses, removed
 * errors, more values of an enum in a response, other defaults, other texts. Which credentials are
 * required depends on the configuration of a deployment and is not compared.
 */
function incompatibilities(before: Document, after: Document): string[] {
  const operations = new Map(operationsOf(after).map(({ key, operation }) => [key, operation]));
  return operationsOf(before).flatMap(({ key, name, operation }) => {
    const now = operations.get(key);
    return now === undefined ? [`${name} is gone`] : operationBreaks(before, after, operation, now, name);
  });
}

/** The same, but empty if the version of the second document says that it may break clients. */
export function contractProblems(before: Document, after: Document): string[] {
  return mayBreak(before.info.version, after.info.version) ? [] : incompatibilities(before, after);
}

/**
 * Whether a version may break the promises of another: a later major version, or a later minor
 * version before 1.0.0 (Semantic Versioning 2.0.0, sections 4 and 8). Versions are
 * `major.minor.patch`; throws for anything else.
 */
function mayBreak(before: string, after: string): boolean {
  const [was, is] = [partsOf(before), partsOf(after)];
  return is.major > was.major || (is.major === 0 && was.major === 0 && is.minor > was.minor);
}

function partsOf(version: string): { major: number; minor: number } {
  const [, major, minor] = /^(\d+)\.(\d+)\.\d+(?:[-+].*)?$/.exec(version) ?? [];
  if (major === undefined) throw new Error(`${JSON.stringify(version)} is not a version like 1.2.3`);
  return { major: Number(major), minor: Number(minor) };
}

/**
 * The operations of a document. The names of path parameters do not matter to a client, so the key
 * leaves them out.
 */
function operationsOf(document: Document): { key: string; name: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, given]) => {
    const item = followed(document, given);
    return METHODS.filter((method) => method in item).map((method) => {
      const { parameters = [], requestBody, responses = {} } = item[method] as Written;
      const all = [...((item.parameters ?? []) as (Parameter | Reference)[]), ...parameters];
      return {
        key: `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`,
        name: `${method.toUpperCase()} ${path}`,
        operation: {
          parameters: all.map((parameter) => numbered(path, followed(document, parameter))),
          ...(requestBody && { requestBody: followed(document, requestBody) }),
          responses: Object.fromEntries(
            Object.entries(responses).map(([status, answer]) => [status, followed(document, answer)]),
          ),
        },
      };
    });
  });
}

/**
 * Follows a reference; gives anything else unchanged. Throws if the reference points to nothing.
 */
function followed<T extends object>(document: Document, given: T | Reference): T {
  let found: T | Reference = given;
  while ('$ref' in found && typeof found.$ref === 'string') found = referred(document, found.$ref) as T;
  return found as T;
}

/** Names a path parameter by its position. */
function numbered(path: string, parameter: Parameter): Parameter {
  if (parameter.in !== 'path') return parameter;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return { ...parameter, name: `${names.indexOf(parameter.name) + 1}` };
}

function operationBreaks(
  before: Document,
  after: Document,
  was: Operation,
  is: Operation,
  name: string,
): string[] {
  return [
    ...parameterBreaks(before, after, was.parameters, is.parameters, name),
    ...bodyBreaks(before, after, was, is, name),
    ...Object.entries(was.responses).flatMap(([status, answer]) =>
      answerBreaks(before, after, answer, answerTo(is, status), `${name} ${status}`),
    ),
  ];
}

function parameterBreaks(
  before: Document,
  after: Document,
  was: Parameter[],
  is: Parameter[],
  name: string,
): string[] {
  const known = new Map(was.map((parameter) => [keyOf(parameter), parameter]));
  const now = new Map(is.map((parameter) => [keyOf(parameter), parameter]));
  const required = is.filter(
    (parameter) => parameter.required === true && known.get(keyOf(parameter))?.required !== true,
  );
  const changed = [...known].flatMap(([key, old]) => {
    const current = now.get(key);
    if (current === undefined) return [`${name} ${key} is gone`];
    return schemaBreaks('request', side(before, old.schema), side(after, current.schema), `${name} ${key}`);
  });
  return [...required.map((parameter) => `${name} ${keyOf(parameter)} must be given now`), ...changed];
}

/** Header names are case-insensitive. */
function keyOf({ name, in: where }: Parameter): string {
  return `${where} ${where === 'header' ? name.toLowerCase() : name}`;
}

function bodyBreaks(
  before: Document,
  after: Document,
  { requestBody: was }: Operation,
  { requestBody: is }: Operation,
  name: string,
): string[] {
  const at = `${name} body`;
  if (is === undefined) return was === undefined ? [] : [`${at} is gone`];
  return [
    ...(is.required === true && was?.required !== true ? [`${at} must be given now`] : []),
    ...Object.entries(was?.content ?? {}).flatMap(([type, { schema }]) => {
      const now = is.content?.[type];
      if (now === undefined) return [`${at} is not accepted as ${type} now`];
      return schemaBreaks('request', side(before, schema), side(after, now.schema), at);
    }),
  ];
}

/** The answer for a status: its own, the one for its first digit, or the default. */
function answerTo({ responses }: Operation, status: string): Answer | undefined {
  return responses[status] ?? responses[`${status[0]}XX`] ?? responses.default;
}

/** A removed error does not break a client; a removed success does. */
function answerBreaks(
  before: Document,
  after: Document,
  was: Answer,
  is: Answer | undefined,
  name: string,
): string[] {
  if (is === undefined) return /[23]\d\d$/.test(name) ? [`${name} is gone`] : [];
  const headers = new Set(Object.keys(is.headers ?? {}).map((header) => header.toLowerCase()));
  const gone = Object.keys(was.headers ?? {}).filter((header) => !headers.has(header.toLowerCase()));
  return [
    ...gone.map((header) => `${name} header ${header} is gone`),
    ...Object.entries(was.content ?? {}).flatMap(([type, { schema }]) => {
      const now = is.content?.[type];
      if (now === undefined) return [`${name} does not come as ${type} now`];
      return schemaBreaks('response', side(before, schema), side(after, now.schema), `${name} body`);
    }),
  ];
}

function side(document: Document, schema: unknown): { root: Schema; schema: unknown } {
  return { root: document, schema };
}
