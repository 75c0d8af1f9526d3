import { MAX_DETAILS } from './errors.ts';

/** Nesting beyond this is refused, in payloads and results alike (specification S9). */
export const MAX_DEPTH = 64;

/**
 * What a text may have, so that JSON.parse takes the event loop no longer than about 100 ms: objects and lists, and different
 * names of properties, which cost the most (0.2 and 1.2 µs each, where a number costs 0.02). A text of 10 MB with as many as
 * fit took up to 3 s.
 */
export const MAX_OBJECTS = 500_000;
export const MAX_NAMES = 50_000;
/** What is judged, stored and shown as one may have so many properties and items, for the same reason. */
export const MAX_VALUES = 500_000;

/** What is known of a JSON text before anything is made of it. */
export type Survey = {
  /** Properties and items, and objects and lists that have none. */
  values: number;
  /** Objects and lists; not counted further than over MAX_OBJECTS. */
  objects: number;
  /** Different names of properties as they are written; not counted in short texts, nor further than over MAX_NAMES. */
  names: number;
  /** Where numbers are that a double would change: start and end, at most MAX_DETAILS. */
  unheld: [number, number][];
  /** Whether `storageProblems` may find anything in what the text becomes. */
  isDoubtful: boolean;
};

const [QUOTE, BACKSLASH, COMMA, COLON, MINUS] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d];
const ZERO = 0x30;
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Looks through a text once, which takes some 20 ms for 10 MB. It need not be JSON: that is for `parseJson` to say. */
export function surveyJson(text: string): Survey {
  const names = new Set<string>();
  // A name takes five characters at least: `"":0,`.
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

/** Where the quote is that ends a text, or the end of all. */
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

/** Behind the last of the characters that a number can have. */
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

/** Whether it is a number that a double would change: out of range, or another integer. */
function isUnheld(text: string, start: number, end: number): boolean {
  // Shorter ones are exact, or fractions in range.
  if (end - start < 5) return false;
  const source = text.slice(start, end);
  return isChanged(Number(source), source) && NUMBER.test(source);
}

/**
 * What counts is what would be written again: 1763721234567000000 is no exact double, but comes back with the same digits.
 * Below 2^53 each integer is exact, and what a fraction loses by rounding is no matter.
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

/** A number as its significant digits and the power of ten behind them: an integer when that is not negative. */
function decimal(source: string): { digits: string; exponent: number } {
  const [, whole = '', fraction = '', exponent] = DECIMAL.exec(source) ?? [];
  const digits = `${whole}${fraction}`;
  let from = 0;
  let to = digits.length;
  // Not by an expression: `/0+$/` takes for ever when there are millions of zeros before another digit.
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

  /** Where it is only shown, it is text. */
  toJSON(): string {
    return this.source;
  }
}

/** The name of what stands in a text for such a number. Nothing with such a name is ever stored. */
const MARK = '\u0000';

/**
 * Parses JSON text without losing anything silently: in the place of an integer that a double can't hold, or of
 * a number beyond its range, comes a value that `storageProblems` reports. Throws SyntaxError when the text is
 * not JSON.
 */
export function parseJson(text: string, { unheld } = surveyJson(text)): unknown {
  if (unheld.length === 0) return JSON.parse(text);
  let from = 0;
  const parts = unheld.map(([start, end]) => {
    // An object, because a number that stands in place of a name must stay an error.
    const part = `${text.slice(from, start)}{"\\u0000":"${text.slice(start, end)}"}`;
    from = end;
    return part;
  });
  return unmark(JSON.parse(`${parts.join('')}${text.slice(from)}`), 1);
}

/** Puts the numbers where their marks are. What is too deep is refused anyway, also in a batch, which is three levels around its payloads. */
function unmark(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH + 4) return value;
  const whole = value as Record<string, unknown>;
  const source = Object.hasOwn(whole, MARK) ? whole[MARK] : undefined;
  if (typeof source === 'string' && NUMBER.test(source)) return new UnheldNumber(source);
  for (const key of Object.keys(whole)) {
    const part = whole[key];
    if (typeof part === 'object') whole[key] = unmark(part, depth + 1);
  }
  return whole;
}
