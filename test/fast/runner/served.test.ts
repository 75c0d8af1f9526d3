import { expect, test } from 'vitest';
import { servedHandlers } from '../../../runner/served.ts';

const NAMES = [
  'billing.send',
  'billing.close.check',
  'billing.close',
  'search.reindex',
  'errand.bulk',
  'webhook.deliver',
];
const all = new Map(NAMES.map((name) => [name, { definition: { name }, handler: () => null } as never]));
const OWN = ['errand.bulk', 'webhook.deliver'];

function served(...entries: string[]): string[] {
  return [...servedHandlers(all, entries).keys()].filter((name) => !OWN.includes(name));
}

test('without a choice a runner executes everything', () => {
  expect([...servedHandlers(all, undefined).keys()]).toEqual(NAMES);
});

test('a dedicated runner executes its namespaces and names with their steps, and the built-in tasks', () => {
  expect(served('billing')).toEqual(['billing.send', 'billing.close.check', 'billing.close']);
  expect(served('search.reindex', 'billing.close')).toEqual([
    'billing.close.check',
    'billing.close',
    'search.reindex',
  ]);
  expect([...servedHandlers(all, ['search']).keys()]).toEqual(['search.reindex', ...OWN]);
});

test.each([
  ['biling', 'did you mean billing?'],
  ['search.reindx', 'did you mean search.reindex'],
  ['bill', 'did you mean'],
  ['completely_else', 'its namespaces are billing, search'],
  ['errand', 'RUNNER_NAMESPACES: the project has neither a namespace nor a task "errand"'],
])('an unknown entry %s stops the start and names close ones', (entry, hint) => {
  expect(() => servedHandlers(all, ['billing', entry])).toThrow(hint);
});
