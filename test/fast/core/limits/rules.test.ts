import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineLimit, type Limit } from '../../../../core/limits/define_limit.ts';
import { createRegistry } from '../../../../core/registry.ts';
import { defineTask, type TaskDefinition } from '../../../../core/task.ts';
import { defineWorkflow } from '../../../../core/workflow.ts';

const payload = z.object({ tenant: z.string() });
const example = { tenant: 'acme' };

function define(concurrency: unknown, name: 'a.one' | 'a.two' = 'a.one'): TaskDefinition {
  return defineTask({
    ...{ name, version: '1.0.0', description: 'With limits', payload, example },
    policy: { concurrency: concurrency as number },
  }) as TaskDefinition;
}

const rules = (concurrency: unknown) =>
  define(concurrency).policy.concurrency?.map(({ key: _key, ...rule }) => rule);

const key = ({ tenant }: { tenant: string }): string => tenant;
const own = { name: 'a.one', limit: 3, scope: 'pool', isKeyed: false };
const keyed = { name: 'a.one:key', limit: 1, scope: 'pool', isKeyed: true };

test('a number is a limit of the definition, and a rule with a key is another', () => {
  expect(rules(undefined)).toBeUndefined();
  expect(rules(3)).toEqual([own]);
  expect(rules({ limit: 1, key })).toEqual([keyed]);
  expect(rules({ limit: 2, scope: 'runner' })).toEqual([
    { name: 'a.one:runner', limit: 2, scope: 'runner', isKeyed: false },
  ]);
});

test('the order of rules does not depend on how they are written: those without a key come first', () => {
  const shared = defineLimit({ name: 'a.db', limit: 7 });
  const expected = [{ ...own, name: 'a.db', limit: 7 }, own, keyed];
  expect(rules([{ limit: 1, key }, 3, shared])).toEqual(expected);
  expect(rules([3, shared, { limit: 1, key }])).toEqual(expected);
});

test('a shared limit may have a key', () => {
  const limit = defineLimit({ name: 'a.db', limit: 7 });
  expect(rules({ limit, key })).toEqual([{ name: 'a.db', limit: 7, scope: 'pool', isKeyed: true }]);
});

test.each([
  ['nothing may run', 0, 'policy.concurrency.0.limit: must be at least 1: pause the name if nothing may run'],
  ['no rule', [], 'policy.concurrency: '],
  ['an unknown part', { limit: 1, keys: 'x' }, 'policy.concurrency.0: '],
  ['a key that is no function', { limit: 1, key: 'tenant' }, 'policy.concurrency.0.key: must be a function'],
  [
    'a key in one runner',
    { limit: 1, key, scope: 'runner' },
    'policy.concurrency.0.scope: runner allows neither a key nor a shared limit: use pool',
  ],
  ['a key without a limit', { key }, 'policy.concurrency.0.limit: must be an integer'],
  ['two limits of its own', [1, 2], 'policy.concurrency: two rules have the limit a.one'],
  [
    'two keys of its own',
    [
      { limit: 1, key },
      { limit: 2, key },
    ],
    'policy.concurrency: two rules have the limit a.one:key',
  ],
])('a definition is refused when it loads, with its name and file: %s', (_what, concurrency, why) => {
  expect(() => define(concurrency)).toThrow(`Task definition "a.one" in `);
  expect(() => define(concurrency)).toThrow(why);
});

test.each([
  [{ name: 'nospace', limit: 1 }, 'the name must match'],
  [{ name: 'a.db', limit: 0 }, 'limit must be an integer from 1 to 100000, got 0'],
  [{ name: 'a.db', limit: 1.5 }, 'got 1.5'],
])('a shared limit is refused when it loads, with its name and file: %j', (limit, why) => {
  expect(() => defineLimit(limit)).toThrow(`Limit ${JSON.stringify(limit.name)} in `);
  expect(() => defineLimit(limit)).toThrow(why);
});

test('two definitions that say different things about a limit are refused, with both names and files', () => {
  const say = (limit: number): Limit => defineLimit({ name: 'a.db', limit });
  expect(() => createRegistry([define(say(1)), define(say(2), 'a.two')])).toThrow(
    /^The limit "a\.db" is 1 in a\.one \(.*rules\.test\.ts\) and 2 in a\.two \(.*rules\.test\.ts\)\. Share one defineLimit$/,
  );
  expect(createRegistry([define(say(1)), define(say(1), 'a.two')]).definitions).toHaveLength(2);
});

test('a workflow has limits in its steps, not as a whole', () => {
  const workflow = {
    name: 'a.flow',
    version: '1.0.0',
    description: 'With limits',
    payload,
    example,
  } as const;
  expect(() => defineWorkflow({ ...workflow, policy: { concurrency: 1 }, steps: { x: {} } })).toThrow(
    'a workflow cannot have policy.concurrency, because its steps do the work: set it in the steps',
  );
  const { graph } = defineWorkflow({ ...workflow, steps: { x: { policy: { concurrency: 1 } } } });
  expect(graph.steps[0]?.definition.policy.concurrency).toEqual([{ ...own, name: 'a.flow.x', limit: 1 }]);
});

test('what is registered has no functions', () => {
  const { policy } = define([3, { limit: 1, key }]);
  expect(JSON.parse(JSON.stringify(policy)).concurrency).toEqual([own, keyed]);
});
