import { expect, test } from 'vitest';
import { createRegisteredTasks } from '../../../api/registered/registered_tasks.ts';
import { createRegistry } from '../../../core/registry.ts';
import { createDatabase } from '../../support/database.ts';
import { registerOf } from '../api/registered/pool.ts';
import { CORPUS } from './corpus/index.ts';
import { definitionOf } from './row.ts';
import { arrived } from './zod_verdict.ts';

// An API without the code of a task judges by the registered schema. It must take all that the code takes.

const rows = CORPUS.map((row, index) => ({ name: row.name, row, definition: definitionOf(row, index) }));
const { pool } = await createDatabase();
await registerOf(
  pool,
  'other',
  rows.map(({ definition }) => definition),
);
const warnings: unknown[] = [];
const tasks = createRegisteredTasks({
  ...{ database: pool, reads: pool, registry: createRegistry([]), project: 'own' },
  log: { warn: (...line: unknown[]) => void warnings.push(line) },
});

async function judge(name: string, payload: unknown) {
  const task = await tasks.find(name);
  return task?.judge({ version: task.version, payload: arrived(payload) }, '/payload');
}

test.each(rows)('an API without the code takes what fits: $name', async ({ row, definition }) => {
  for (const { payload } of row.fits)
    expect({ payload, ...(await judge(definition.name, payload)) }).toMatchObject({ payload, ok: true });
});

test('all registered schemas can be compiled', () => {
  expect(warnings).toEqual([]);
});

test('what does not fit is refused for most schemas, with details below the payload', async () => {
  const judged = await Promise.all(
    rows.flatMap(({ row, definition }) => row.misfits.map(({ payload }) => judge(definition.name, payload))),
  );
  const refused = judged.flatMap((one) => (one !== undefined && !one.ok ? [one.details] : []));
  // The rest is left to the runner: refinements, formats, and what only code can judge.
  expect(refused.length / judged.length).toBeGreaterThan(0.5);
  for (const { path, message } of refused.flat()) {
    expect(path).toMatch(/^\/payload(\/|$)/);
    expect(message).not.toBe('');
  }
});
