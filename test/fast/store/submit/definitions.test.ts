import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask, type TaskDefinition } from '../../../../core/task.ts';
import { defineWorkflow, step } from '../../../../core/workflow.ts';
import { endRunner, registerRunner } from '../../../../store/attempts/runners.ts';
import { keepRegistered, registerDefinitions } from '../../../../store/submit/definitions.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query('truncate errand.definitions, errand.runners');
});

function define(version: string, description = ''): TaskDefinition {
  return defineTask({
    name: 'invoice.send',
    version,
    description: 'For a test',
    payload: z.object({ to: z.string().describe(description) }),
    example: { to: 'x' },
  }) as unknown as TaskDefinition;
}

function run(version: string | null): Promise<number> {
  return registerRunner(pool, {
    ...{ host: 'here', pid: 1, version: 'test', taskNames: ['invoice.send'], concurrency: 1, leaseSecs: 15 },
    ...(version === null ? {} : { taskVersions: { 'invoice.send': version } }),
  });
}

async function registered(): Promise<string[]> {
  const { rows } = await pool.query<{ version: string }>(
    'select version from errand.definitions order by name',
  );
  return rows.map(({ version }) => version);
}

/** What each process does at its start. */
const start = (version: string): Promise<void> => registerDefinitions(pool, [define(version)]);
/** What each runner does every 30 s. */
const look = (version: string): Promise<boolean> => keepRegistered(pool, [define(version)]);

describe('a rolling deployment', () => {
  test('registers a newer version at once, by the order of versions', async () => {
    await start('1.9.0');
    await run('1.9.0');
    await start('1.10.0');
    expect(await registered()).toEqual(['1.10.0']);
  });

  test('keeps it while a live runner has it, whatever older runner or API starts', async () => {
    await start('1.9.0');
    await run('1.9.0');
    await start('1.10.0');
    await run('1.10.0');
    await start('1.9.0');
    await look('1.9.0');
    expect(await registered()).toEqual(['1.10.0']);
  });

  test('registers steps like their workflows', async () => {
    const workflow = (version: string): TaskDefinition[] => [
      defineWorkflow({
        name: 'invoice.flow',
        version,
        description: 'For a test',
        payload: z.object({}),
        example: {},
        steps: { a: step({}), b: step({ after: ['a'] }) },
      }),
    ];
    await registerDefinitions(pool, workflow('2.0.0'));
    await registerRunner(pool, {
      ...{ host: 'here', pid: 1, version: 'test', taskNames: [], concurrency: 1, leaseSecs: 15 },
      taskVersions: { 'invoice.flow': '2.0.0', 'invoice.flow.a': '2.0.0', 'invoice.flow.b': '2.0.0' },
    });
    await registerDefinitions(pool, workflow('1.0.0'));
    expect(await registered()).toEqual(['2.0.0', '2.0.0', '2.0.0']);
  });
});

describe('a rollback', () => {
  test('registers the older version when the last runner of the newer one has left', async () => {
    await start('2.0.0');
    const [first, second] = [await run('2.0.0'), await run('2.0.0')];
    await run('1.0.0');
    await endRunner(pool, first);
    await look('1.0.0');
    expect(await registered()).toEqual(['2.0.0']);
    await endRunner(pool, second);
    await look('1.0.0');
    expect(await registered()).toEqual(['1.0.0']);
    // Nothing goes to and fro between runners that agree.
    await look('1.0.0');
    expect(await registered()).toEqual(['1.0.0']);
  });

  test('counts a runner whose lease has run out as gone', async () => {
    await start('2.0.0');
    const lost = await run('2.0.0');
    await run('1.0.0');
    await pool.query(`update errand.runners set heartbeat_at = now() - interval '16 seconds' where id = $1`, [
      lost,
    ]);
    await start('1.0.0');
    expect(await registered()).toEqual(['1.0.0']);
  });

  test('is over when a runner of the newer version is there again', async () => {
    await start('2.0.0');
    await start('1.0.0');
    await run('2.0.0');
    await look('2.0.0');
    expect(await registered()).toEqual(['2.0.0']);
  });
});

test('of one version the newest start wins, and runners that are up do not fight about it', async () => {
  await registerDefinitions(pool, [define('1.0.0', 'one')]);
  await run('1.0.0');
  await registerDefinitions(pool, [define('1.0.0', 'other')]);
  await keepRegistered(pool, [define('1.0.0', 'one')]);
  const { rows } = await pool.query(
    `select payload_schema -> 'properties' -> 'to' ->> 'description' as it from errand.definitions`,
  );
  expect(rows).toEqual([{ it: 'other' }]);
  // Two ways to write one version.
  await keepRegistered(pool, [define('1.0', 'one')]);
  expect(await registered()).toEqual(['1.0.0']);
});

test('a runner that tells no versions, being of an Errand before that, has none that is newer', async () => {
  await start('2.0.0');
  await run(null);
  await start('1.0.0');
  expect(await registered()).toEqual(['1.0.0']);
});
