import { createRequire } from 'node:module';
import type * as recheck from 'recheck';
import { isPlain } from './plain.ts';

/** How the time of an expression grows with the length of the text. `text` describes a slow text. */
export type Time =
  | { kind: 'linear' }
  | { kind: 'polynomial'; degree: number; text: string }
  | { kind: 'exponential'; text: string }
  | { kind: 'unknown'; why: string };

/**
 * Bounds for recheck, which searches for slow texts if its automata cannot decide. With its default bounds
 * this takes 0.5 to 2 s for most lookaheads, and the result depends on the load of the machine. These bounds
 * are counts: 27 difficult expressions took about 30 ms each, at most 2 s, and no result was worse (4.5.0).
 * `accelerationMode`: faster with `\1` and `{1,1000}`. `maxRepeatCount`: the automata treat every bounded
 * expression as safe, even `^(a{1,5}){1,20}$`.
 */
const BOUNDS: recheck.Parameters = {
  accelerationMode: 'off',
  attackLimit: 100_000,
  attackTimeout: null,
  crossoverSize: 8,
  incubationLimit: 3_000,
  incubationTimeout: null,
  maxAttackStringSize: 5_000,
  maxGeneStringSize: 200,
  maxGenerationSize: 20,
  maxInitialGenerationSize: 50,
  maxIteration: 1,
  maxNFASize: 500,
  maxRepeatCount: 5,
  maxSimpleRepeatCount: 15,
  mutationSize: 16,
  timeout: 10_000,
};

const known = new Map<string, Time>();
let checker: typeof recheck | undefined;

/**
 * How slow an expression can be, according to recheck, which takes a few milliseconds for most expressions.
 * recheck is loaded (60 ms, 30 MB) for the first expression that is not obviously fast.
 */
export function timeOf(expression: RegExp): Time {
  const key = String(expression);
  const before = known.get(key);
  if (before !== undefined) return before;
  const time: Time = isPlain(expression) ? { kind: 'linear' } : checked(expression);
  known.set(key, time);
  return time;
}

function checked({ source, flags }: RegExp): Time {
  // The build without the optional dependencies of the package: native binaries, a Java archive and worker
  // threads.
  checker ??= createRequire(import.meta.url)('recheck/lib/browser.js') as typeof recheck;
  const found = checker.checkSync(source, flags, BOUNDS);
  if (found.status === 'safe') return { kind: 'linear' };
  if (found.status === 'unknown') return { kind: 'unknown', why: whyUnknown(found.error) };
  const text = inWords(found.attack);
  return found.complexity.type === 'exponential'
    ? { kind: 'exponential', text }
    : { kind: 'polynomial', degree: found.complexity.degree, text };
}

function whyUnknown(error: recheck.UnknownDiagnostics['error']): string {
  if (error.kind === 'timeout') return 'checking it takes too long';
  return `the checker cannot read it${'message' in error ? ` (${error.message})` : ''}`;
}

/** A description of a slow text: `"a", then "b" many times, then "c"`. */
function inWords({ pumps, suffix }: recheck.AttackPattern): string {
  const parts = pumps.flatMap(({ prefix, pump }) => [shown(prefix), `${shown(pump)} many times`]);
  return [...parts, shown(suffix)].filter((part) => part !== '""').join(', then ');
}

const SHOWN_LENGTH = 20;

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text);
}
