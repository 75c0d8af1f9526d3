import { shorten } from './json.ts';

/** Of a part that JSON would lose: what is wrong, with what to do, and what is shown in its place. */
export type LostForm = { problem: string; instead: string };

const SHOWN_LENGTH = 100;

const BYTES = 'give text in base64';
const NUMBERS = 'give Array.from(it), or text in base64';
const ITEMS = 'give [...it]';
const NOTHING = 'leave it out';

/** What to give instead, by the tag that Object.prototype.toString tells, also of what comes from another realm. */
const REMEDIES = new Map([
  ['Map', 'give Object.fromEntries(it) or [...it]'],
  ['Set', ITEMS],
  ['WeakMap', NOTHING],
  ['WeakSet', NOTHING],
  ['WeakRef', NOTHING],
  ['Error', 'give its message, or throw it'],
  ['DOMException', 'give its message, or throw it'],
  ['RegExp', 'give its source'],
  ['Date', 'give its text'],
  ['ArrayBuffer', BYTES],
  ['SharedArrayBuffer', BYTES],
  ['DataView', BYTES],
]);
const IS_TYPED_ARRAY = /^(?:Big)?(?:Int|Uint|Float)\d+(?:Clamped)?Array$/;
const IS_ITERATOR = /(?:Iterator|Generator|Iterator Helper)$/;

/**
 * What JSON would lose of an object that is neither a plain one nor an array, or null. `isEmpty` is whether it has no
 * property that JSON sees: it would be recorded as `{}`, which is right only of an empty plain object.
 */
export function lostForm(value: object, isEmpty: boolean): LostForm | null {
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (tag === 'Promise' || ('then' in value && typeof value.then === 'function')) return lostPromise(value);
  if (isRawJson(value)) return { problem: 'is raw JSON: give its value, or a text', instead: '[raw JSON]' };
  const name = nameOf(value);
  const instead = `[${tag === 'Error' ? shown(String(value)) : name}]`;
  if (IS_TYPED_ARRAY.test(tag)) {
    return { problem: `is a typed array (${name}), which JSON makes an object: ${NUMBERS}`, instead };
  }
  const remedy = REMEDIES.get(tag) ?? (IS_ITERATOR.test(tag) ? ITEMS : null);
  const kept = `is an instance of ${name}, of which JSON keeps nothing`;
  if (remedy !== null) return { problem: `${kept}: ${remedy}`, instead };
  if (!isEmpty || isEmptyPlain(value)) return null;
  return { problem: `${kept}: give a plain object with what it carries, or a toJSON`, instead };
}

/** Nobody will await it, so if it fails that must not end the process: the refusal says what is wrong. */
function lostPromise(value: object): LostForm {
  if (value instanceof Promise) value.catch(() => {});
  return { problem: 'is a promise that was not awaited: await it first', instead: '[a promise]' };
}

/** Properties that JSON does not see have symbols as keys, or are not enumerable. */
function isEmptyPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain =
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf'));
  return isPlain && Reflect.ownKeys(value).length === 0;
}

/** What JSON.rawJSON makes: text that JSON.stringify writes as it is, also of numbers that a double can't hold. */
function isRawJson(value: object): boolean {
  return (
    Object.getPrototypeOf(value) === null &&
    Object.isFrozen(value) &&
    typeof Reflect.get(value, 'rawJSON') === 'string'
  );
}

function nameOf(value: object): string {
  const name: unknown =
    'constructor' in value ? (value.constructor as { name?: unknown } | null)?.name : undefined;
  return typeof name === 'string' && name !== '' ? shown(name) : 'a class without a name';
}

/** A text as a message shows it. */
export function shown(text: string): string {
  return shorten(text, SHOWN_LENGTH);
}
