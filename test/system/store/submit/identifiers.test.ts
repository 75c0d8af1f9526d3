import { expect, test } from 'vitest';
import { taskNames } from '../../../../core/registry.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions, ownDefinitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startProcess } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';

test('the first submission of a name that an application keeps open keeps nobody else waiting', async () => {
  const { pool } = await createDatabase();
  await registerDefinitions(pool, definitions);
  const api = await startApi(pool);
  const client = await pool.connect();
  await client.query('begin');
  await client.query(`select errand.submit('example.echo', '{"message": "of the application"}')`);
  const others = await Promise.all(
    ['one', 'two', 'three'].map((message) =>
      api.call('POST', '/v1/tasks/example.echo', { payload: { message } }),
    ),
  );
  await client.query('rollback');
  client.release();
  expect(others.map(({ status }) => status)).toEqual([201, 201, 201]);
});

test("an API that starts makes the identifiers of all that it submits, steps and Errand's own too", async () => {
  const { url, pool } = await createDatabase();
  const api = await startProcess('api/main.ts', url);
  await until('it is ready', async () => (await fetch(`${api.url}/ready`)).ok);
  const { rows } = await pool.query<{ identifier: string }>(
    'select identifier from errand_worker._private_tasks',
  );
  const all = taskNames([...definitions, ...ownDefinitions]).sort();
  expect(rows.map(({ identifier }) => identifier).sort()).toEqual(all);
});
