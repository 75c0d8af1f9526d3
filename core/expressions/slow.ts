import type { Schema } from '../schema.ts';
import { expressionsOf, type Found } from './find.ts';
import { timeOf } from './time.ts';

/**
 * The number of steps that an expression of polynomial time may take: they take at most 0.1 s. This allows
 * 3,162 characters for quadratic time, and 215 for cubic time.
 */
const MAX_STEPS = 10_000_000;
const SHOWN_LENGTH = 200;

/**
 * The problems of a schema's regular expressions, one line each with the place in the schema. `refused`:
 * expressions that can take exponential time; a text of 40 characters can then take hours. `warnings`:
 * expressions that are slow for long text, or that cannot be checked. A process validates payloads in a
 * single thread, so all other requests wait meanwhile.
 */
export function slowExpressions(what: string, schema: Schema): { refused: string[]; warnings: string[] } {
  const refused = new Set<string>();
  const warnings = new Set<string>();
  for (const found of expressionsOf(what, schema)) {
    const time = timeOf(found.expression);
    const name = nameOf(found);
    if (time.kind === 'exponential')
      refused.add(
        `${name} can take exponential time, with text such as ${time.text}: rewrite it so that a text matches in only one way, without a repetition inside a repetition; limiting the length does not help`,
      );
    else if (time.kind === 'unknown')
      warnings.add(
        `${name} may be slow: ${time.why}. Write a simpler one, or limit the length of its text: ${BOUNDED}`,
      );
    else if (time.kind === 'polynomial' && found.maxLength ** time.degree > MAX_STEPS)
      warnings.add(
        `${name} takes time that grows with power ${time.degree} of the length of a text such as ${time.text}: first limit the text to ${longest(time.degree)} characters: ${BOUNDED}`,
      );
  }
  return { refused: [...refused], warnings: [...warnings] };
}

const BOUNDED = 'z.string().max(n).pipe(z.string().regex(…)), or .max(n, { abort: true }).regex(…) of Zod 4';

function longest(degree: number): number {
  return Math.floor(MAX_STEPS ** (1 / degree) + 1e-9);
}

function nameOf({ place, expression }: Found): string {
  const text = String(expression);
  return `${place}: the expression ${text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text}`;
}
