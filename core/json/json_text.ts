import { MAX_DETAILS } from '../errors.ts';

/** Deeper nesting is refused, in payloads and results (specification S9). */
export const MAX_DEPTH = 64;

/**
 * Limits of a JSON text, so that JSON.parse blocks the event loop for at most about 100 ms. Objects, lists
 * and different property names cost the most (0.2 µs and 1.2 µs each; a number costs 0.02 µs). A text of 10
 * MB full of them took up to 3 s.
 */
export const MAX_OBJECTS = 500_000;
export const MAX_NAMES = 50_000;
/**
 * The maximum number of properties and items of one value that is validated, stored and shown, for the same
 * reason.
 */
export const MAX_VALUES = 500_000;
/** The maximum size of the body of a request, of the payload of a follow-up task, and of a result. */
export const MAX_JSON_BYTES = 10 * 1024 * 1024;

/** Facts about a JSON text before it is parsed. */
export type Survey = {
  /** The number of properties and items, plus objects and lists without any. */
  values: number;
  /** The number of objects and lists. Counting stops above MAX_OBJECTS. */
  objects: number;
  /**
   * The number of different property names, as written. Not counted in short texts. Counting stops above
   * MAX_NAMES.
   */
  names: number;
  /** Start and end of numbers that a double would change, at most MAX_DETAILS. */
  unheld: [number, number][];
  /** Whether `storageProblems` may find problems in the parsed value. */
  isDoubtful: boolean;
};

const [QUOTE, BACKSLASH, COMMA, COLON, MINUS] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d];
const ZERO = 0x30;
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Scans a text once, which takes about 20 ms for 10 MB. It does not check whether the text is JSON;
 * `parseJson` does.
 */
export function surveyJson(text: string): Survey {
  const names = new Set<string>();
  // A property takes at least five characters: `"":0,`.
  const mayHaveMany = text.length > 5 * MAX_NAMES;
  const unheld: [number, number][] = [];
  let values = 1;
  let objects = 0;
  let depth = 0;
  let isDeep = false;
  let start = 0;
  let end = 0;
  for (let at = 0; at < text.length && objects <= MAX_OBJECTS && names.size <= MAX_NAMES; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      start = at + 1;
      end = endOfText(text, start);
      at = end;
    } else if (code === COMMA) {
      values++;
    } else if (code === COLON) {
      if (mayHaveMany) names.add(text.slice(start, end));
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      values++;
      objects++;
      isDeep ||= ++depth > MAX_DEPTH;
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      depth--;
    } else if (isDigit(code) || code === MINUS) {
      const behind = endOfNumber(text, at);
      if (unheld.length < MAX_DETAILS && isUnheld(text, at, behind)) unheld.push([at, behind]);
      at = behind - 1;
    }
  }
  return {
    values,
    objects,
    names: names.size,
    unheld,
    isDoubtful: isDeep || unheld.length > 0 || hasDoubtfulText(text),
  };
}

function hasDoubtfulText(text: string): boolean {
  return (
    text.includes('\\u') ||
    text.includes('"__proto__"') ||
    text.includes('"constructor"') ||
    !text.isWellFormed()
  );
}

/** The position of the closing quote of a text, or of the end of the JSON. */
function endOfText(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return at;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

/** The position after the last character that can belong to a number. */
function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isPart =
      isDigit(code) || code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === MINUS;
    if (!isPart) break;
  }
  return at;
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

/** Whether this is a number that a double would change: out of range, or another integer. */
function isUnheld(text: string, start: number, end: number): boolean {
  // Shorter numbers are exact, or fractions in range.
  if (end - start < 5) return false;
  const source = text.slice(start, end);
  return isChanged(Number(source), source) && NUMBER.test(source);
}

/**
 * A number counts as changed if it would be written with other digits. 1763721234567000000 is not exact in a
 * double, but is written with the same digits. Below 2^53 every integer is exact, and the rounding of
 * fractions does not matter.
 */
function isChanged(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return true;
  if (value === 0) return /^[-0.]*[1-9]/.test(source);
  if (Math.abs(value) < 2 ** 53) return false;
  const shown = String(value);
  if (shown === source) return false;
  const written = decimal(source);
  if (written.exponent < 0) return false;
  const held = decimal(shown);
  return held.digits !== written.digits || held.exponent !== written.exponent;
}

const DECIMAL = /^-?(\d+)\.?(\d*)(?:[eE]([-+]?\d+))?$/;

/**
 * The significant digits of a number and the power of ten behind them. If that is not negative, it is an
 * integer.
 */
function decimal(source: string): { digits: string; exponent: number } {
  const [, integer = '', fraction = '', exponent] = DECIMAL.exec(source) ?? [];
  const digits = `${integer}${fraction}`;
  let from = 0;
  let to = digits.length;
  // A loop, because `/0+$/` takes very long for millions of zeros before another digit.
  while (from < to && digits.charCodeAt(from) === ZERO) from++;
  while (to > from && digits.charCodeAt(to - 1) === ZERO) to--;
  return {
    digits: digits.slice(from, to),
    exponent: Number(exponent ?? 0) - fraction.length + digits.length - to,
  };
}

/** A number of a JSON text that a double would change, as it was written. `storageProblems` reports it. */
export class UnheldNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  /** In messages it is shown as text. */
  toJSON(): string {
    return this.source;
  }
}

/** The property that marks such a number in the text. A property with this name is never stored. */
const MARK = '\u0000';

/**
 * Parses JSON text without silently losing anything. An integer that a double cannot represent, or a number
 * outside its range, becomes a value that `storageProblems` reports. Throws SyntaxError if the text is not
 * JSON.
 */
export function parseJson(text: string, { unheld } = surveyJson(text)): unknown {
  if (unheld.length === 0) return JSON.parse(text);
  let from = 0;
  const parts = unheld.map(([start, end]) => {
    // An object, because a number in the place of a property name must remain a syntax error.
    const part = `${text.slice(from, start)}{"\\u0000":"${text.slice(start, end)}"}`;
    from = end;
    return part;
  });
  return unmark(JSON.parse(`${parts.join('')}${text.slice(from)}`), 1);
}

/**
 * Replaces the marks by the numbers. Deeper levels are refused anyway, also in a batch, which has three
 * levels around its payloads.
 */
function unmark(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH + 4) return value;
  const container = value as Record<string, unknown>;
  const source = Object.hasOwn(container, MARK) ? container[MARK] : undefined;
  if (typeof source === 'string' && NUMBER.test(source)) return new UnheldNumber(source);
  for (const key of Object.keys(container)) {
    const part = container[key];
    if (typeof part === 'object') container[key] = unmark(part, depth + 1);
  }
  return container;
}
