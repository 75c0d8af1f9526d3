import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import * as z3 from 'zod/v3';
import { slowExpressions } from '../../../../core/expressions/slow.ts';
import { timeOf } from '../../../../core/expressions/time.ts';
import type { Schema } from '../../../../core/schema.ts';
import { defineTask } from '../../../../core/task.ts';
import { judgeOf } from '../../../../core/verdict/judge.ts';
import { defineWorkflow, step } from '../../../../core/workflow.ts';

/** Twice as many ways for each `a` more. */
const SLOW = /^(a+)+$/;
/** Its time grows with the square of the length. */
const SQUARE = /^a*a*$/;
const UNREADABLE = /^[\p{L}--[a-z]]+$/v;

const square4 = z.string().regex(SQUARE).max(10);
const slow4 = z.string().regex(SLOW);
const slow3 = z3.string().regex(SLOW);
const tree: z.ZodType = z.object({
  name: slow4,
  get children() {
    return z.array(tree);
  },
});
const lazy3: z3.ZodTypeAny = z3.lazy(() => z3.object({ name: slow3, children: z3.array(lazy3) }));

/** What each is refused for: the path to the expression. */
const PLACES: Record<string, [Schema, ...string[]]> = {
  property: [z.object({ a: slow4 }), '.a'],
  list: [z.array(slow4), '[]'],
  tuple: [z.tuple([z.string(), slow4]).rest(z.string().regex(/^(b|b)*$/)), '[1]', '[]'],
  record: [z.record(slow4, z.string().regex(/^(b|b)*$/)), '.* (its name)', '.*'],
  catchall: [z.object({}).catchall(slow4), '.*'],
  union: [z.union([z.number(), z.object({ a: slow4 })]), '.a'],
  'discriminated union': [
    z.discriminatedUnion('t', [z.object({ t: z.literal('a'), a: slow4 }), z.object({ t: z.literal('b') })]),
    '.a',
  ],
  intersection: [z.object({ a: z.number() }).and(z.object({ b: slow4 })), '.b'],
  optional: [slow4.optional(), ''],
  nullable: [slow4.nullable(), ''],
  default: [slow4.default('a'), ''],
  catch: [slow4.catch('a'), ''],
  readonly: [z.object({ a: slow4 }).readonly(), '.a'],
  'before a transform': [slow4.transform(Number), ''],
  'behind a transform': [z.string().transform(String).pipe(slow4), ''],
  'behind a preprocess': [z.preprocess(String, slow4), ''],
  codec: [z.codec(z.string(), slow4, { decode: String, encode: String }), ''],
  recursive: [tree, '.name'],
  lazy: [z.lazy(() => slow4), ''],
  'template literal': [z.templateLiteral(['x-', z.string().regex(/^(a+)+$/)]), ''],
  'own format': [z.stringFormat('letters', SLOW), ''],
  'email by an own expression': [z.email({ pattern: SLOW }), ''],
  'email by an own expression, as a check': [z.string().check(z.email({ pattern: SLOW })), ''],
  'host of a URL': [z.url({ hostname: SLOW }), ''],
  'protocol of a URL': [z.url({ protocol: SLOW }), ''],
  'property of a value': [z.object({ a: z.string() }).check(z.property('a', slow4)), ''],
  'v3 property': [z3.object({ a: slow3 }), '.a'],
  'v3 list': [z3.array(slow3), '[]'],
  'v3 tuple': [z3.tuple([z3.string(), slow3]).rest(slow3.max(1).regex(/^(b|b)*$/)), '[1]', '[]', '[]'],
  'v3 record': [z3.record(slow3, z3.string()), '.* (its name)'],
  'v3 catchall': [z3.object({}).catchall(slow3), '.*'],
  'v3 union': [z3.union([z3.number(), slow3]), ''],
  'v3 discriminated union': [
    z3.discriminatedUnion('t', [
      z3.object({ t: z3.literal('a'), a: slow3 }),
      z3.object({ t: z3.literal('b') }),
    ]),
    '.a',
  ],
  'v3 intersection': [z3.object({ a: z3.number() }).and(z3.object({ b: slow3 })), '.b'],
  'v3 optional': [slow3.optional().nullable().default('a').catch('a').readonly(), ''],
  'v3 brand': [slow3.brand('name'), ''],
  'v3 transform': [slow3.transform(Number), ''],
  'v3 refinement': [slow3.refine(Boolean), ''],
  'v3 preprocess': [z3.preprocess(String, slow3), ''],
  'v3 pipe': [z3.string().pipe(slow3), ''],
  'v3 lazy': [lazy3, '.name'],
};

describe('an expression that can take exponential time is refused with its path', () => {
  test.each(Object.entries(PLACES))('%s', (_name, [schema, ...places]) => {
    const { refused, warnings } = slowExpressions('payload', schema);
    expect(refused.map((line) => line.split(': the expression ')[0])).toEqual(
      places.map((place) => `payload${place}`),
    );
    expect(warnings).toEqual([]);
  });

  test('whatever the bound before it, saying what text is slow and what to do, in few words', () => {
    const [line = ''] = slowExpressions('payload', z.string().max(50, { abort: true }).regex(SLOW)).refused;
    expect(line).toBe(
      'payload: the expression /^(a+)+$/ can take exponential time, with text such as "a", then "a" many times, then "\\u0000": rewrite it so that a text matches in only one way, without a repetition inside a repetition; limiting the length does not help',
    );
    const long = z.string().regex(new RegExp(`^(${'a|'.repeat(300)}a)+$`));
    expect(slowExpressions('payload', long).refused.join().length).toBeLessThan(600);
  });

  test('also if it is repeated so often at most: there are as good as endless ways within 100 characters', () => {
    expect(timeOf(/^(a{1,5}){1,20}$/)).toMatchObject({ kind: 'exponential' });
  });
});

describe('an expression of polynomial time', () => {
  const warnings = (schema: Schema): string[] => {
    const found = slowExpressions('payload', schema);
    expect(found.refused).toEqual([]);
    return found.warnings;
  };
  const unbounded: Record<string, Schema> = {
    'no bound': z.string().regex(SQUARE),
    'a bound that Zod goes on from': z.string().max(10).regex(SQUARE),
    'a bound after it': z.string().regex(SQUARE).max(10, { abort: true }),
    'a bound that is too high': z.string().max(3_163, { abort: true }).regex(SQUARE),
    'a bound of what is changed afterwards': z
      .string()
      .max(10, { abort: true })
      .overwrite((text) => text.repeat(1_000))
      .regex(SQUARE),
    'a pipe from a text without a bound': z.string().min(1).pipe(z.string().regex(SQUARE)),
    'a pipe from what normalises': z.string().max(10).normalize('NFKD').pipe(z.string().regex(SQUARE)),
    'a pipe from a transform': z.string().max(10).transform(String).pipe(z.string().regex(SQUARE)),
    'a codec, which has code between': z.codec(z.string().max(10), z.string().regex(SQUARE), {
      decode: (text) => text.repeat(1_000),
      encode: String,
    }),
    'a pipe back to itself': square4.pipe(square4),
    'v3: no bound': z3.string().regex(SQUARE),
    'v3: a bound, which goes on': z3.string().max(10).regex(SQUARE),
    'v3: a pipe from lower case': z3.string().max(10).toLowerCase().pipe(z3.string().regex(SQUARE)),
  };
  test.each(Object.entries(unbounded))('is warned of: %s', (_name, schema) => {
    const [line = '', ...others] = warnings(schema);
    expect(others).toEqual([]);
    expect(line).toMatch(
      /^payload: the expression \/\^a\*a\*\$\/ takes time that grows with power 2 .* first limit the text to 3162 characters: z\.string\(\)\.max\(n\)\.pipe/,
    );
  });

  const bounded: Record<string, Schema> = {
    'a bound that ends the check': z.string().max(3_162, { abort: true }).regex(SQUARE),
    'a length that ends the check': z.string().length(10, { abort: true }).regex(SQUARE),
    'a pipe': z.string().max(3_162).pipe(z.string().regex(SQUARE)),
    'a pipe from a length': z.string().length(10).pipe(z.string().regex(SQUARE)),
    'v3: a pipe': z3.string().max(3_162).pipe(z3.string().regex(SQUARE)),
    'v3: a pipe from a length': z3.string().length(10).pipe(z3.string().regex(SQUARE)),
  };
  test.each(Object.entries(bounded))(
    'is taken behind %s, and is not asked about longer text',
    (_name, schema) => {
      expect(warnings(schema)).toEqual([]);
      const matched = vi.spyOn(SQUARE, 'test');
      const judge = judgeOf(schema, { isJson: true });
      expect(judge('a'.repeat(3_163), '')).toMatchObject({ ok: false });
      expect(matched).not.toHaveBeenCalled();
      expect(judge('a'.repeat(10), '')).toMatchObject({ ok: true });
      expect(matched).toHaveBeenCalled();
    },
  );

  test('a schema that is used with a bound and without one is warned of', () => {
    const square = z.string().regex(SQUARE);
    expect(warnings(z.object({ a: z.string().max(10).pipe(square), b: square }))).toEqual([
      expect.stringMatching(/^payload\.b: /),
    ]);
  });

  test('one that the checker can not read, or not judge in time, is warned of, too', () => {
    expect(warnings(z.string().regex(UNREADABLE))).toEqual([
      expect.stringMatching(
        /^payload: the expression \/.*\/v may be slow: the checker cannot read it \(unknown flag\)\. Write a simpler one/,
      ),
    ]);
  });
});

test('a definition has the warnings about its payload, its result and those of steps', () => {
  const square = z.string().regex(SQUARE);
  const task = { version: '1', description: '', payload: z.object({ a: square }), example: { a: 'a' } };
  const known = defineTask({ ...task, name: 'a.b', result: z.object({ b: square }) });
  expect(known.warnings.map((line) => line.split(':')[0])).toEqual(['payload.a', 'result.b']);
  const workflow = defineWorkflow({ ...task, name: 'a.c', steps: { first: step({ result: square }) } });
  expect(workflow.warnings).toHaveLength(1);
  expect(workflow.graph.steps[0]?.definition.warnings.map((line) => line.split(':')[0])).toEqual([
    'payload.a',
    'result',
  ]);
});
