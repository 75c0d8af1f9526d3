import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isPlain } from '../../../../core/expressions/plain.ts';
import { slowExpressions } from '../../../../core/expressions/slow.ts';
import { timeOf } from '../../../../core/expressions/time.ts';
import type { Schema } from '../../../../core/schema.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

test.each([
  /^[a-z][a-z0-9_]{0,63}$/,
  /^[0-9a-f]{8}(?:-[0-9a-f]{4}-)?(?<rest>[0-9a-f]{12})$/i,
  /^(?:https?|ssh):\/\/\S+$/,
  /^-?\d+(?:\.\d{1,2})?$/,
  /^\p{Lu}\u{61}\x61\u0061\cA[\]\\}]{3}.+?$/u,
  /a|b/,
])('%s is plain', (expression) => {
  expect(isPlain(expression)).toBe(true);
});

test.each([
  /a+$/,
  /^a|b+$/,
  /^a+$/m,
  /^\d+(\.\d+)?$/,
  /^(a|aa)+$/,
  /^(a|aa){30}$/,
  /^(?!a)b$/,
  /^(?<=a)b$/,
  /^(a)\1$/,
  /^(?<x>a)\k<x>$/,
  /\w{1,1000}x/,
  /^a*a{1000}x/,
  /^a{1,100}a{1,100}a{1,100}a{1,100}$/,
  /^[\p{L}--[a-z]]$/v,
])('%s is not plain', (expression) => {
  expect(isPlain(expression)).toBe(false);
});

describe('what is not looked at', () => {
  const taken: Record<string, Schema> = {
    "Zod's own formats": z.object({
      email: z.email(),
      uuid: z.uuid(),
      v7: z.uuidv7(),
      url: z.httpUrl(),
      at: z.iso.datetime({ offset: true, precision: 3 }),
      time: z.iso.time({ precision: -1 }),
      day: z.iso.date(),
      span: z.iso.duration(),
      ip: z.ipv6(),
      net: z.cidrv6(),
      mac: z.mac({ delimiter: '-' }),
      host: z.hostname(),
      hash: z.hash('sha512', { enc: 'base64url' }),
      jwt: z.jwt(),
      emoji: z.emoji(),
      lower: z.string().lowercase().includes('a').startsWith('b').endsWith('c'),
      html: z.email({ pattern: z.regexes.html5Email }),
    }),
    'what is plain': z.object({
      name: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
      amount: z.string().regex(/^-?\d+$/),
      kind: z.templateLiteral(['v', z.number()]),
    }),
  };
  test.each(Object.entries(taken))('%s: nothing is found', (_name, schema) => {
    expect(slowExpressions('payload', schema)).toEqual({ refused: [], warnings: [] });
  });

  const load = (schema: string): string =>
    execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { z } from 'zod';
         import { createRequire } from 'node:module';
         import { defineTask } from './core/task.ts';
         await import('./tasks/index.ts');
         defineTask({ name: 'a.b', version: '1', description: '', payload: z.object({ a: ${schema} }), example: { a: 'a' } });
         const loaded = Object.keys(createRequire(import.meta.url).cache);
         console.log(loaded.filter((file) => file.includes('recheck')).length);`,
      ],
      { cwd: ROOT, encoding: 'utf8' },
    ).trim();

  test('the checker is loaded if it is needed, and not for what is shipped', () => {
    expect(
      load(
        'z.string().max(9).or(z.email()).or(z.iso.datetime()).or(z.hostname()).or(z.string().endsWith("a")).or(z.string().regex(/^[a-z]+$/))',
      ),
    ).toBe('0');
    expect(load('z.string().regex(/^[a-z]+(-[a-z]+)*$/)')).toBe('1');
  });
});

test('what is plain is never slow to the checker', () => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '\\w', '\\s', '\\b', '^', '$', '(a|b)', '(?:a|ab)');
  const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{1,}', '*?', '+?');
  const piece = fc
    .tuple(atom, quantifier)
    .map(([one, times]) => (/^[\^$]|\\b/.test(one) ? one : one + times));
  const part = fc
    .tuple(fc.array(piece, { maxLength: 5 }), fc.constantFrom('', '|', '(', ')', '(?:', '(?=', '(?!', '\\1'))
    .map(([pieces, end]) => pieces.join('') + end);
  const expression = fc
    .tuple(fc.constantFrom('', '^'), fc.array(part, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '$'))
    .map((parts) => parts.flat().join(''))
    .filter((source) => {
      try {
        return isPlain(new RegExp(source));
      } catch {
        return false;
      }
    });
  fc.assert(
    fc.property(expression, (source) => {
      // Otherwise written, so that it is not plain: the checker is asked.
      const asked = timeOf(new RegExp(`(?:${source})(?:)*`));
      expect(['linear', 'unknown']).toContain(asked.kind);
    }),
    { numRuns: 300 },
  );
});
