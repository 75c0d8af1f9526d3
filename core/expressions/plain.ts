/**
 * The tokens of an expression: a character, an escape or a class; the start of a group; a quantifier;
 * anything else.
 */
const TOKENS =
  /\\(?:[pPu]\{[^}]*\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[a-zA-Z]|.)|\[(?:\\.|[^\]\\])*\]|\((?:\?:|\?<\w+>)?|\{\d+(?:,\d*)?\}|./gsu;
const QUANTIFIER = /^(?:[*+?]|\{(?<least>\d+)(?<comma>,(?<most>\d*))?\})$/;
/** The allowed number of steps per character of the text, and for any text. A step takes about 1 ns. */
const MAX_STEPS_PER_CHARACTER = 100;
const MAX_STEPS = 1_000_000;

/**
 * Whether an expression is obviously fast: its time grows at most linearly with the length of the text, and
 * slowly. This is the case if only one character may repeat without a bound, in one place after `^`, and the
 * text can match in few other ways. The check is cautious: it rejects many fast expressions.
 */
export function isPlain({ source, flags }: RegExp): boolean {
  if (/[mv]/.test(flags)) return false;
  const counted = count(source.match(TOKENS) ?? []);
  if (counted === null || counted.unbounded > 1) return false;
  const isAnchored = source.startsWith('^') && !counted.hasBranches;
  if (counted.unbounded === 1 && !isAnchored) return false;
  const growsWithText = counted.unbounded === 1 || !isAnchored;
  return counted.ways * counted.length <= (growsWithText ? MAX_STEPS_PER_CHARACTER : MAX_STEPS);
}

/** `hasBranches`: there are alternatives outside of groups, so `^` applies only to the first one. */
type Counted = { ways: number; length: number; unbounded: number; hasBranches: boolean };

/**
 * In how many ways a text may match, and the bounded number of characters; null if the expression is not that
 * simple.
 */
function count(tokens: readonly string[]): Counted | null {
  const counted: Counted = { ways: 1, length: 1, unbounded: 0, hasBranches: false };
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1] ?? '';
    const { least, comma, most } = QUANTIFIER.exec(token)?.groups ?? {};
    if (/^\\[1-9k]/.test(token)) return null;
    if (token.startsWith('(')) depth++;
    else if (token === ')') depth--;
    else if (token === '|') {
      counted.ways *= 2;
      counted.hasBranches ||= depth === 0;
    } else if (token === '?') {
      // A group of another kind, such as a lookahead.
      if (before === '(') return null;
      if (!QUANTIFIER.test(before)) counted.ways *= 2;
    } else if (QUANTIFIER.test(token)) {
      if (before === ')') return null;
      if (least === undefined || most === '') counted.unbounded++;
      else {
        counted.length += Number(most ?? least);
        if (comma !== undefined) counted.ways *= Number(most) - Number(least) + 1;
      }
    }
  }
  return counted;
}
