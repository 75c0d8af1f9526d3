import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { closest, createRegistry, type Registry, taskNames } from '../../../core/registry.ts';
import { defineTask, type TaskDefinition } from '../../../core/task.ts';
import { diamond } from '../workflows/shapes.ts';

function task(name: string, file = 'here.task.ts'): TaskDefinition {
  const definition = defineTask({
    name,
    version: '1',
    description: 'For this test',
    payload: z.object({}),
    example: {},
  });
  return { ...definition, file };
}

const NAMES = ['billing.send_invoice', 'billing.send_reminder', 'mail.send', 'text.count_words', 'ci.build'];
const registry = createRegistry(NAMES.map((name) => task(name)));

function closeNames({ definitions }: Registry, given: string): string[] {
  return closest(
    given,
    definitions.map(({ name }) => name),
  );
}

test('it finds what it was given by its exact name, and nothing else', () => {
  for (const name of NAMES) expect(registry.get(name)?.name).toBe(name);
  expect(registry.definitions.map(({ name }) => name)).toEqual(NAMES);
  for (const name of ['', 'billing', 'Billing.send_invoice', 'constructor', '__proto__', 'toString']) {
    expect(registry.get(name)).toBeUndefined();
  }
});

test('a name that is defined twice is refused, with both files', () => {
  const twice = [task('mail.send', 'one.task.ts'), task('ci.build'), task('mail.send', 'two.task.ts')];
  expect(() => createRegistry(twice)).toThrow(
    /"mail\.send" is defined twice: in one\.task\.ts and two\.task\.ts/,
  );
});

test.each(['errand', 'webhook'])(
  "the namespace %s of Errand's own tasks is refused, with the file",
  (namespace) => {
    expect(() => createRegistry([task(`${namespace}.mine`, 'mine.task.ts')])).toThrow(
      `"${namespace}.mine" in mine.task.ts: the namespace ${namespace} is reserved for built-in tasks. Choose another one`,
    );
  },
);

test('a mistyped name brings the known ones that it may mean, nearest first', () => {
  expect(closeNames(registry, 'billing.send_invoise')).toEqual([
    'billing.send_invoice',
    'billing.send_reminder',
  ]);
  expect(closeNames(registry, 'text.countwords')[0]).toBe('text.count_words');
  expect(closeNames(registry, 'mail.sent')[0]).toBe('mail.send');
});

test('the same last part in another namespace is close', () => {
  expect(closeNames(registry, 'a_namespace_that_nobody_knows.send')).toEqual(['mail.send']);
});

test('what is far from everything is close to nothing', () => {
  expect(closeNames(registry, 'xxxxxxxxxxxxxxxxxxxxxxxx.yyyyyyyyyyyyyyyyyyyyyyyy')).toEqual([]);
  expect(closeNames(createRegistry([]), 'mail.send')).toEqual([]);
});

test('names at the same distance come in the order of the alphabet', () => {
  const alike = createRegistry(['t.c', 't.a', 't.b', 't.d'].map((name) => task(name)));
  expect(closeNames(alike, 't.x')).toEqual(['t.a', 't.b', 't.c']);
});

test('steps of workflows are tasks with names of their own', () => {
  expect(taskNames([diamond, task('graph.bare')])).toEqual([
    'graph.diamond',
    'graph.diamond.double',
    'graph.diamond.plus',
    'graph.diamond.minus',
    'graph.diamond.sum',
    'graph.bare',
  ]);
});

test('whatever the name, there are at most three, all known and each once', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 2_000 }), fc.constantFrom(...NAMES));
  fc.assert(
    fc.property(text, (name) => {
      const close = closeNames(registry, name);
      expect(close.length).toBeLessThanOrEqual(3);
      expect(new Set(close).size).toBe(close.length);
      expect(NAMES).toEqual(expect.arrayContaining(close));
    }),
  );
});

test('one wrong, missing or extra letter still finds the name first', () => {
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), fc.nat(), fc.constantFrom('', 'q', 'qq'), (name, at, instead) => {
      const index = at % name.length;
      const mistyped = name.slice(0, index) + instead + name.slice(index + 1);
      expect(closeNames(registry, mistyped)[0]).toBe(name);
    }),
  );
});
