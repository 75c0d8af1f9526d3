import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';

// The bounds of bodies can be configured.

const { pool } = await createDatabase();
const api = await startApi(pool, { config: testConfig({ MAX_BODY_MB: '0.01' }) });

test('with MAX_BODY_MB a smaller body is taken, and a larger one is 413 with the bound', async () => {
  const submit = (length: number) =>
    api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'a'.repeat(length) } });
  expect((await submit(500)).status).toBe(201);
  const refused = await submit(11_000);
  expect(refused.status).toBe(413);
  expect(refused.body).toMatchObject({
    code: 'PAYLOAD_TOO_LARGE',
    error: 'The body is too large: at most 0.01 MB are accepted',
  });
});
