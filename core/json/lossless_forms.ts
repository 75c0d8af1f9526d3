import { shorten } from './json.ts';

/** The problem of a part that JSON would lose, with a remedy, and its replacement for display. */
export type LostForm = { problem: string; instead: string };

const SHOWN_LENGTH = 100;

const BYTES = 'return text in base64';
const NUMBERS = 'return Array.from(it), or text in base64';
const ITEMS = 'return [...it]';
const NOTHING = 'leave it out';

/** The remedies, by the tag of Object.prototype.toString, which also works for objects of another realm. */
const REMEDIES = new Map([
  ['Map', 'return Object.fromEntries(it) or [...it]'],
  ['Set', ITEMS],
  ['WeakMap', NOTHING],
  ['WeakSet', NOTHING],
  ['WeakRef', NOTHING],
  ['Error', 'return its message, or throw it'],
  ['DOMException', 'return its message, or throw it'],
  ['RegExp', 'return its source'],
  ['Date', 'return its text'],
  ['ArrayBuffer', BYTES],
  ['SharedArrayBuffer', BYTES],
  ['DataView', BYTES],
]);
const IS_TYPED_ARRAY = /^(?:Big)?(?:Int|Uint|Float)\d+(?:Clamped)?Array$/;
const IS_ITERATOR = /(?:Iterator|Generator|Iterator Helper)$/;

/**
 * The loss of an object that is neither a plain object nor an array, or null if JSON keeps it. `isEmpty`: it
 * has no property that JSON sees. It would become `{}`, which is correct only for an empty plain object.
 */
export function lostForm(value: object, isEmpty: boolean): LostForm | null {
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (tag === 'Promise' || ('then' in value && typeof value.then === 'function')) return lostPromise(value);
  if (isRawJson(value)) return { problem: 'is raw JSON: return its value, or a text', instead: '[raw JSON]' };
  const name = nameOf(value);
  const instead = `[${tag === 'Error' ? shown(String(value)) : name}]`;
  if (IS_TYPED_ARRAY.test(tag)) {
    return { problem: `is a typed array (${name}), which JSON turns into an object: ${NUMBERS}`, instead };
  }
  const remedy = REMEDIES.get(tag) ?? (IS_ITERATOR.test(tag) ? ITEMS : null);
  const kept = `is an instance of ${name}, and JSON keeps nothing of it`;
  if (remedy !== null) return { problem: `${kept}: ${remedy}`, instead };
  if (!isEmpty || isEmptyPlain(value)) return null;
  return { problem: `${kept}: return a plain object with its data, or define a toJSON`, instead };
}

/** Nobody awaits the promise any more, so its rejection must not end the process. */
function lostPromise(value: object): LostForm {
  if (value instanceof Promise) value.catch(() => {});
  return { problem: 'is a promise that was not awaited: await it first', instead: '[a promise]' };
}

/** JSON does not see properties that have symbol keys or are not enumerable. */
function isEmptyPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain =
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf'));
  return isPlain && Reflect.ownKeys(value).length === 0;
}

/**
 * Whether JSON.rawJSON made this value: text that JSON.stringify writes unchanged, even numbers that a double
 * cannot represent.
 */
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

/** A text, shortened for a message. */
export function shown(text: string): string {
  return shorten(text, SHOWN_LENGTH);
}
