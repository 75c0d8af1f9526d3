import fc from 'fast-check';
import { type ApiRequest, inHeader } from './requests.ts';
import { HEADERS, odd, oddInUrl, oddKey, RAW } from './strange.ts';
import type { Source } from './values.ts';

/** Makes one thing of a request wrong, or at least strange. */
type Mutation = (request: ApiRequest) => ApiRequest;

type Change = { how: string; key: string; odd: { text: unknown; number: unknown; any: unknown } };

/** Which of many: without it the first would be met most of the time. */
const position = fc.noBias(fc.nat());

/** In the body, at any depth: another value, one less, one more, one under another key. */
const inBody: fc.Arbitrary<Mutation> = fc
  .record({
    at: position,
    how: fc.constantFrom('alike', 'alike', 'replace', 'remove', 'add', 'rename'),
    key: oddKey,
    odd,
  })
  .map(({ at, ...change }) => (request) => {
    if (request.json === undefined) return { ...request, json: change.odd.any };
    const left = at % countParts(request.json);
    return { ...request, json: changed(request.json, { left }, change) };
  });

function countParts(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, part) => sum + countParts(part), 1);
}

/** The value with a change at its part number `left`, counted from the outermost, which is 0. */
function changed(value: unknown, at: { left: number }, change: Change): unknown {
  if (at.left-- === 0) return changedHere(value, change);
  if (typeof value !== 'object' || value === null) return value;
  const { how, key } = change;
  const parts = Object.entries(value).flatMap(([name, part]): [string, unknown][] => {
    if (at.left !== 0 || (how !== 'remove' && how !== 'rename')) return [[name, changed(part, at, change)]];
    at.left--;
    return how === 'remove' ? [] : [[key, part]];
  });
  // fromEntries makes a property of `__proto__`, where an assignment would set the prototype.
  return Array.isArray(value) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

function changedHere(value: unknown, { how, key, odd }: Change): unknown {
  if (how === 'alike' && typeof value === 'string') return odd.text;
  if (how === 'alike' && typeof value === 'number') return odd.number;
  if (how !== 'add' || typeof value !== 'object' || value === null) return odd.any;
  return Array.isArray(value)
    ? [...value, odd.any]
    : Object.fromEntries([...Object.entries(value), [key, odd.any]]);
}

/** In the text of the body: no JSON any more, or JSON of a kind that nobody writes. */
const inText: fc.Arbitrary<Mutation> = fc
  .tuple(
    fc.constantFrom('cut', 'more', 'empty', 'bom', 'bytes', 'twice', 'deep', 'other', 'utf16'),
    position,
    fc.constantFrom('x', '}', '{', ']', ',', '\0', '//'),
    fc.constantFrom(
      'null',
      '[]',
      '"text"',
      '0',
      'true',
      '{"a"}',
      "{'a':1}",
      'a=1&b=2',
      '<a/>',
      'NaN',
      '{"a":01}',
      '\0',
    ),
  )
  .map(([how, at, mark, other]) => (request) => {
    const text = textOf(request) ?? '{}';
    if (typeof text !== 'string') return request;
    const cut = at % (text.length + 1);
    const texts: Record<string, string | Uint8Array> = {
      cut: text.slice(0, cut),
      more: `${text.slice(0, cut)}${mark}${text.slice(cut)}`,
      empty: '',
      bom: `\ufeff${text}`,
      bytes: Buffer.concat([
        Buffer.from(text.slice(0, cut)),
        Buffer.from([0xc3, 0x28, 0xff]),
        Buffer.from(text.slice(cut)),
      ]),
      twice: text.replace('{', '{"payload":{},"name":"x","payload":1,'),
      deep: '['.repeat(10_000),
      other,
      utf16: Buffer.from(text, 'utf16le'),
    };
    return { ...request, text: texts[how] ?? '' };
  });

/** Headers that are wrong, and such as ask for what there is not. */
const inHeaders: fc.Arbitrary<Mutation> = fc
  .oneof(
    ...HEADERS.map(([name, values]) => fc.tuple(fc.constant(name), fc.constantFrom(...values))),
    fc.tuple(fc.constantFrom(...HEADERS.map(([name]) => name)), fc.string({ unit: 'binary' }).map(inHeader)),
  )
  .map(([name, value]) => (request) => ({ ...request, headers: { ...request.headers, [name]: value } }));

/** In the query: parameters that there are not, that there are twice, with a value that is none. */
const inQuery: fc.Arbitrary<Mutation> = fc
  .tuple(
    fc.constantFrom('set', 'twice', 'unknown', 'brackets', 'sub'),
    position,
    oddInUrl,
    fc.constantFrom(
      'unknown',
      '__proto__',
      'constructor',
      'toString',
      'wait',
      'page',
      'cursor',
      'state',
      'a[b]',
      '[]',
      '%00',
      '%zz',
      '',
    ),
  )
  .map(([how, at, value, name]) => (request) => {
    const { query } = request;
    const [known, old] = query[at % Math.max(1, query.length)] ?? [name, value];
    const others = query.filter(([one]) => one !== known);
    const queries: Record<string, [string, string][]> = {
      set: [...others, [known, value]],
      twice: [...query, [known, value], [known, old]],
      unknown: [...query, [name, value]],
      brackets: [...others, [`${known}[]`, old], [`${known}[0]`, value]],
      sub: [...others, [`${known}[__proto__]`, value]],
    };
    return { ...request, query: queries[how] ?? query };
  });

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH'];

/** In the path: another part, one more, none. */
function inPath({ ids }: Source): fc.Arbitrary<Mutation> {
  const part = fc.oneof(
    oddInUrl,
    fc.constantFrom(
      ...ids,
      ...ids.map((id) => id.toUpperCase()),
      ...ids.map((id) => `urn:uuid:${id}`),
      `${ids[0]}0`,
    ),
  );
  return fc
    .tuple(fc.constantFrom('part', 'more', 'slash', 'double', 'upper', 'less'), position, part)
    .map(([how, at, value]) => (request) => {
      const parts = request.path.split('/');
      const index = 1 + (at % (parts.length - 1));
      const paths: Record<string, string> = {
        part: parts.with(index, value).join('/'),
        more: `${request.path}/${value}`,
        slash: `${request.path}/`,
        double: `/${request.path}`,
        upper: request.path.toUpperCase(),
        less: parts.slice(0, -1).join('/') || '/',
      };
      return { ...request, path: paths[how] ?? '/' };
    });
}

const inMethod: fc.Arbitrary<Mutation> = fc
  .constantFrom(...METHODS)
  .map((method) => (request) => ({ ...request, method }));

/** Requests that have up to three things wrong with them, made from others. */
export function broken(source: Source, requests: fc.Arbitrary<ApiRequest>): fc.Arbitrary<ApiRequest> {
  const mutation = fc.oneof(
    { weight: 6, arbitrary: inBody },
    { weight: 2, arbitrary: inText },
    { weight: 3, arbitrary: inHeaders },
    { weight: 3, arbitrary: inQuery },
    { weight: 3, arbitrary: inPath(source) },
    { weight: 1, arbitrary: inMethod },
  );
  const several = fc.oneof(
    { weight: 2, arbitrary: fc.tuple(mutation) },
    { weight: 1, arbitrary: fc.array(mutation, { minLength: 2, maxLength: 3 }) },
  );
  return fc
    .tuple(requests, several)
    .map(([request, mutations]) => mutations.reduce((made, mutate) => mutate(made), request));
}

/** The body of a request as it is sent. */
export function textOf({ json, text }: ApiRequest): string | Uint8Array | undefined {
  if (text !== undefined || json === undefined) return text;
  return JSON.stringify(json)?.replaceAll(RAW, '$1');
}
