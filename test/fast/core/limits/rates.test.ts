import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { PolicyInput } from '../../../../core/definitions/policy.ts';
import { defineLimit } from '../../../../core/limits/define_limit.ts';
import { poolRules } from '../../../../core/limits/pool_rules.ts';
import { rateProblems } from '../../../../core/limits/rate_numbers.ts';
import { submittable } from '../../../../core/registration/submittable.ts';
import { createRegistry } from '../../../../core/registry.ts';
import { defineTask, type TaskDefinition } from '../../../../core/task.ts';
import { defineWorkflow } from '../../../../core/workflow.ts';

const payload = z.object({ tenant: z.string() });
const example = { tenant: 'acme' };

function define(rate: unknown, name: 'a.one' | 'a.two' = 'a.one', concurrency?: unknown): TaskDefinition {
  return defineTask({
    ...{ name, version: '1.0.0', description: 'With rates', payload, example },
    policy: {
      rate: rate as { limit: number; periodSeconds: number },
      ...(concurrency === undefined ? {} : { concurrency: concurrency as number }),
    },
  }) as TaskDefinition;
}

const key = ({ tenant }: { tenant: string }): string => tenant;
const own = { name: 'a.one:rate', limit: 10, periodSeconds: 60, burst: 10, isKeyed: false };
const rates = (rate: unknown) => define(rate).policy.rate?.map(({ key: _key, ...rule }) => rule);

test('a rate of the definition, one with a key and a shared one have their names; the burst is the limit', () => {
  const shared = defineLimit({ name: 'a.stripe', limit: 100, periodSeconds: 1, burst: 20 });
  expect(shared).toEqual({ name: 'a.stripe', limit: 100, periodSeconds: 1, burst: 20 });
  expect(rates(undefined)).toBeUndefined();
  expect(rates({ limit: 10, periodSeconds: 60 })).toEqual([own]);
  expect(rates({ limit: 10, periodSeconds: 60, burst: 5, key })).toEqual([
    { ...own, name: 'a.one:rate:key', burst: 5, isKeyed: true },
  ]);
  expect(rates(shared)).toEqual([{ ...shared, isKeyed: false }]);
  expect(
    rates([
      { limit: shared, key },
      { limit: 10, periodSeconds: 60 },
    ]),
  ).toEqual([own, { ...shared, isKeyed: true }]);
});

test.each([
  [
    'nothing may start',
    { limit: 0, periodSeconds: 1 },
    'policy.rate.0.limit: must be at least 1: pause the name if nothing may start',
  ],
  ['no limit', { periodSeconds: 1 }, 'policy.rate.0.limit: must be an integer'],
  ['no period', { limit: 1 }, 'policy.rate.0.periodSeconds: must be at least 0.1'],
  ['a number alone', 5, 'policy.rate.0: '],
  ['no time', { limit: 1, periodSeconds: 0 }, 'policy.rate.0.periodSeconds: must be at least 0.1, got 0'],
  ['a negative time', { limit: 1, periodSeconds: -1 }, 'must be at least 0.1, got -1'],
  ['no number', { limit: 1, periodSeconds: Number.NaN }, 'must be at least 0.1, got NaN'],
  ['a text', { limit: 1, periodSeconds: '60' }, 'must be at least 0.1, got 60'],
  [
    'a time without end',
    { limit: 1, periodSeconds: Number.POSITIVE_INFINITY },
    'must be at most 31622400, got Infinity',
  ],
  [
    'a burst above the limit',
    { limit: 10, periodSeconds: 1, burst: 11 },
    'policy.rate.0.burst: must be an integer from 1 to limit, which is 10, got 11',
  ],
  [
    'no burst',
    { limit: 10, periodSeconds: 1, burst: 0 },
    'policy.rate.0.burst: must be an integer from 1 to limit, which is 10, got 0',
  ],
  ['half a burst', { limit: 10, periodSeconds: 1, burst: 2.5 }, 'got 2.5'],
  [
    'a burst that does not divide the limit',
    { limit: 100, periodSeconds: 60, burst: 30 },
    'policy.rate.0.burst: must divide limit: 25 or 50 would, got 30',
  ],
  [
    'a burst that is too small',
    { limit: 10_000, periodSeconds: 1, burst: 1 },
    'policy.rate.0.burst: must be at least 100, so that bursts are 10 ms apart, got 1',
  ],
  ['an unknown part', { limit: 1, periodSeconds: 1, per: 'x' }, 'policy.rate.0: '],
  [
    'a key that is no function',
    { limit: 1, periodSeconds: 1, key: 'tenant' },
    'policy.rate.0.key: must be a function',
  ],
  ['no rule', [], 'policy.rate: '],
  [
    'two of its own',
    [
      { limit: 1, periodSeconds: 1 },
      { limit: 2, periodSeconds: 2 },
    ],
    'policy.rate: two rates have the limit a.one:rate',
  ],
  [
    'a shared limit without a period',
    defineLimit({ name: 'a.db', limit: 1 }),
    'policy.rate.0.limit: must be a limit with periodSeconds: one without is for policy.concurrency',
  ],
  [
    'a shared rate with another period',
    { limit: defineLimit({ name: 'a.db', limit: 1, periodSeconds: 1 }), periodSeconds: 2 },
    'policy.rate.0.periodSeconds: is that of the shared limit: remove it',
  ],
])('a definition is refused when it loads, with its name and file: %s', (_what, rate, why) => {
  expect(() => define(rate)).toThrow('Task definition "a.one" in ');
  expect(() => define(rate)).toThrow(why);
});

test('a shared rate is refused in policy.concurrency', () => {
  const rate = defineLimit({ name: 'a.stripe', limit: 1, periodSeconds: 1 });
  const why =
    'policy.concurrency.0.limit: must be a limit without periodSeconds: one with it is for policy.rate';
  expect(() => define(undefined, 'a.one', rate)).toThrow(why);
  expect(() => define(undefined, 'a.one', [1, { limit: rate, key }])).toThrow(
    'one with it is for policy.rate',
  );
  const limit = defineLimit({ name: 'a.db', limit: 1 });
  // The types say so, too.
  // @ts-expect-error
  const one: PolicyInput = { rate: limit };
  // @ts-expect-error
  const other: PolicyInput = { concurrency: rate };
  expect([one, other]).toHaveLength(2);
});

test.each([
  [{ name: 'a.db', limit: 1, periodSeconds: 0 }, 'periodSeconds must be at least 0.1, got 0'],
  [{ name: 'a.db', limit: 10, periodSeconds: 1, burst: 20 }, 'burst must be an integer from 1 to limit'],
  [{ name: 'a.db', limit: 10, burst: 5 }, 'periodSeconds must be at least 0.1'],
  [{ name: 'a.db', limit: 0, periodSeconds: 1 }, 'limit must be an integer from 1 to 100000, got 0'],
])('a shared rate is refused when it loads, with its name and file: %j', (limit, why) => {
  expect(() => defineLimit(limit as { name: string; limit: number })).toThrow(`Limit "a.db" in `);
  expect(() => defineLimit(limit as { name: string; limit: number })).toThrow(why);
});

test('two definitions that disagree about a shared rate are refused, with both names and files', () => {
  const say = (periodSeconds: number, burst = 10) =>
    defineLimit({ name: 'a.stripe', limit: 10, periodSeconds, burst });
  expect(() => createRegistry([define(say(1)), define(say(2), 'a.two')])).toThrow(
    /^The limit "a\.stripe" is 10 in 1 s in a\.one \(.*\) and 10 in 2 s in a\.two \(.*\)\. Share one defineLimit$/,
  );
  expect(() => createRegistry([define(say(1)), define(say(1, 5), 'a.two')])).toThrow(
    'and 10 in 1 s with a burst of 5 in a.two',
  );
  const slots = define(undefined, 'a.two', defineLimit({ name: 'a.stripe', limit: 10 }));
  expect(() => createRegistry([define(say(1)), slots])).toThrow('is 10 in 1 s in a.one');
  expect(createRegistry([define(say(1)), define(say(1), 'a.two')]).definitions).toHaveLength(2);
});

test('a workflow has rates in its steps, not as a whole', () => {
  const workflow = { name: 'a.flow', version: '1.0.0', description: 'With rates', payload, example } as const;
  const rate = { limit: 10, periodSeconds: 60 };
  expect(() => defineWorkflow({ ...workflow, policy: { rate }, steps: { x: {} } })).toThrow(
    'a workflow cannot have policy.rate, because its steps do the work: set it in the steps',
  );
  const { graph } = defineWorkflow({ ...workflow, steps: { x: { policy: { rate } } } });
  expect(graph.steps[0]?.definition.policy.rate).toEqual([{ ...own, name: 'a.flow.x:rate' }]);
});

test('a submission whose key of a rate cannot be computed is refused with the limit', async () => {
  const definition = define({
    limit: 1,
    periodSeconds: 1,
    key: () => {
      throw new Error('no tenant');
    },
  });
  const verdict = await submittable(definition).judge({ version: '1.0.0', payload: example }, '/payload');
  expect(verdict).toMatchObject({ ok: false, details: [{ path: '/payload' }] });
  expect(JSON.stringify(verdict)).toContain('The key of the limit a.one:rate:key could not be computed');
});

test('rules of both kinds are taken together, those with a key last', () => {
  const both = define(
    [
      { limit: 1, periodSeconds: 1, key },
      { limit: 9, periodSeconds: 1 },
    ],
    'a.one',
    [3, { limit: 1, key }],
  );
  expect(poolRules(both.policy).map(({ name }) => name)).toEqual([
    'a.one',
    'a.one:rate',
    'a.one:key',
    'a.one:rate:key',
  ]);
});

test('of any numbers: a rate that is accepted has a burst that divides its limit, and bursts are at least 10 ms apart', () => {
  const number = fc.oneof(
    fc.integer({ min: 1, max: 100_000 }),
    fc.double(),
    fc.constantFrom(undefined, null, '5'),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), number, number, (limit, periodSeconds, burst) => {
      if (rateProblems({ limit, periodSeconds, burst }).length > 0) return;
      expect(limit % (burst as number)).toBe(0);
      expect(((periodSeconds as number) * 1_000 * (burst as number)) / limit).toBeGreaterThanOrEqual(10);
    }),
  );
});
