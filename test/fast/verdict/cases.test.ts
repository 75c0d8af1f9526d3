import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { parsePayload } from '../../../core/payload.ts';
import type { Schema } from '../../../core/schema.ts';
import { makeDefinition, type TaskDefinition } from '../../../core/task.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { createDatabase } from '../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { finished, submit } from '../../support/tasks.ts';

/*
 * What is not about one value of one schema, so not in the corpus. Where what once failed is held:
 *
 * | what failed                                            | test                                               |
 * |--------------------------------------------------------|----------------------------------------------------|
 * | prices, steps                                          | corpus/numbers.ts                                  |
 * | URLs, e-mail as Unicode, IPv6 with IPv4, v3 formats    | corpus/formats.ts, corpus/v3.ts                    |
 * | expressions without the flag u, trim before bounds     | corpus/strings.ts, corpus/records.ts               |
 * | absent keys with preprocess and catch, coerce          | corpus/transforms.ts, corpus/objects.ts            |
 * | intersections that are described, read only, …         | corpus/intersections.ts                            |
 * | v3: .gt(1).min(3), startsWith, literal(null)           | corpus/v3.ts                                       |
 * | dates, JSON, recursion, ids, unions at the top         | corpus/dates.ts, recursion.ts, unions.ts           |
 * | a default that the handler changes                     | below; random.test.ts for any schema               |
 * | an empty tuple, bounds and defaults without end        | corpus/arrays.ts, numbers.ts; published.test.ts    |
 * | code that throws: 500, a whole batch, all attempts     | corpus/transforms.ts, refinements.ts; routes.test.ts |
 * | an example that is refused when it is submitted                 | below                                              |
 * | read only left out of requests                         | published.test.ts                                  |
 * | the branch meant, the key of a record, own messages    | corpus/unions.ts, records.ts, strings.ts           |
 */

function define(payload: Schema, example: unknown, result?: Schema): TaskDefinition {
  const task = { name: 'case.one', version: '1', description: 'For this test', payload, example, result };
  return makeDefinition(task, 'tasks/case.one.task.ts');
}

const thing = z.instanceof(URL);

/** What JSON has nothing for: the path in the schema, and a word of what to write instead. */
const NOT_CARRIED: [string, Schema, string, RegExp][] = [
  ['bigint', z.object({ a: z.object({ n: z.bigint() }) }), 'payload.a.n', /regex\(/],
  ['Map', z.object({ m: z.map(z.string(), z.int()).optional() }), 'payload.m', /z\.record/],
  ['Set', z.object({ l: z.array(z.set(z.string())) }), 'payload.l[]', /z\.array/],
  ['symbol', z.object({ s: z.union([z.string(), z.symbol()]) }), 'payload.s', /z\.enum/],
  ['NaN', z.object({ t: z.tuple([z.int(), z.nan()]) }), 'payload.t[1]', /z\.null/],
  ['File', z.object({ r: z.record(z.string(), z.file()) }), 'payload.r.*', /z\.url/],
  [
    'bigint in an intersection',
    z.object({ a: z.int() }).and(z.object({ n: z.bigint() })),
    'payload.n',
    /regex\(/,
  ],
  ['v3 bigint', z3.object({ n: z3.bigint().nullable() }), 'payload.n', /regex\(/],
  ['v3 Map', z3.object({ m: z3.array(z3.map(z3.string(), z3.string())) }), 'payload.m[]', /z\.record/],
  ['v3 Set', z3.object({ s: z3.set(z3.string()).default(new Set<string>()) }), 'payload.s', /z\.array/],
];

describe('what JSON cannot carry (D2)', () => {
  test.each(NOT_CARRIED)(
    '%s is refused at load: task, file, path, what to write instead',
    (_what, schema, path, instead) => {
      const load = () => define(schema, {});
      expect(load).toThrow('"case.one" in tasks/case.one.task.ts');
      expect(load).toThrow(path);
      expect(load).toThrow(instead);
    },
  );

  test('in a result it is what is recorded that counts', () => {
    const none = z.object({});
    const fits = z.object({ m: z.map(z.string(), z.int()).transform((map) => map.size) });
    expect(() => define(none, {}, fits)).not.toThrow();
    expect(() => define(none, {}, z.object({ m: z.map(z.string(), z.int()) }))).toThrow('result.m');
    const made = z.object({
      m: z
        .string()
        .transform((text) => new Set([text]))
        .pipe(z.set(z.string())),
    });
    expect(() => define(none, {}, made)).toThrow('result.m');
  });

  test('behind a transform it is fine in a payload', () => {
    const schema = z.object({
      u: z
        .string()
        .transform((text) => new URL(text))
        .pipe(thing),
    });
    expect(() => define(schema, { u: 'https://a.example' })).not.toThrow();
  });
});

describe('the example of a definition goes the way of any payload (D3)', () => {
  const text = z.object({ text: z.string().max(3) });

  test.each<[string, Schema, unknown, string]>([
    ['an unknown property', text, { text: 'a', more: 1 }, '/example/more'],
    ['a text that is too long', text, { text: 'abcd' }, '/example/text'],
    ['a text that Postgres can not hold', text, { text: '\u0000' }, '/example/text'],
    ['a Date, which arrives as text', z.object({ at: z.iso.date() }), { at: new Date(0) }, '/example/at'],
    [
      'what its own code throws at',
      z.object({ n: z.string().transform((one) => BigInt(one)) }),
      { n: 'x' },
      '/example/n',
    ],
    ['no example', text, undefined, '/example'],
  ])('%s', (_what, schema, example, path) => {
    expect(() => define(schema, example)).toThrow(path);
  });

  test('a Date is an example of a date', () => {
    const { example } = define(z.object({ at: z.date() }), { at: new Date('2026-11-29T10:00:00Z') });
    expect(JSON.parse(JSON.stringify(example))).toEqual({ at: '2026-11-29T10:00:00.000Z' });
  });
});

test('a value is told a hundred problems at most', async () => {
  const definition = define(z.object({ tags: z.array(z.string().min(2)) }), { tags: [] });
  const parsed = await parsePayload(definition, { tags: Array(500).fill('') }, '/payload');
  if (parsed.ok) throw new Error('it was accepted');
  expect(parsed.details).toHaveLength(100);
  expect(parsed.details.at(-1)?.path).toBe('/payload/tags/99');
});

describe('at a runner', async () => {
  const { pool } = await createDatabase();

  test('each attempt has a payload of its own, whatever a handler does to it (D3)', async () => {
    const payload = z
      .object({ list: z.array(z.string()), tags: z.array(z.string()).default(['new']) })
      .default({
        list: [],
        tags: ['none'],
      });
    const definition = define(z.object({ x: payload }), {});
    await registerDefinitions(pool, [definition]);
    const seen: string[] = [];
    const handler = (given: unknown): void => {
      const { x } = given as { x: { list: string[]; tags: string[] } };
      seen.push(JSON.stringify(x));
      x.list.push('leaked');
      x.tags.push('leaked');
      if (seen.length === 1) throw new Error('again, please');
    };
    const [first, second] = await submit(
      pool,
      { name: definition.name, version: '1', payload: {} },
      { name: definition.name, version: '1', payload: {}, maxAttempts: 1 },
    );
    await startTestRunner(pool, {
      registeredHandlers: new Map([registeredHandler(definition, handler)]),
      concurrency: 1,
    });
    for (const task of [first, second])
      expect(await finished(pool, String(task?.id))).toMatchObject({ state: 'succeeded' });
    expect(seen).toEqual(Array(3).fill('{"list":[],"tags":["none"]}'));
  });
});
