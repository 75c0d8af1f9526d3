import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { giteaPush } from './webhook_bodies.ts';
import { giteaHeaders, meterHeaders, SENDERS, SOURCES } from './webhook_senders.ts';

// A delivery that comes again, from its sender or from somebody who has recorded it.

const { pool } = await createDatabase();
const api = await startApi(pool, { config: testConfig(SENDERS) });
const GITEA = '/v1/webhooks/gitea';
const METER = '/v1/webhooks/meter';
let pushes = 0;
const newPush = (): string => JSON.stringify({ ...giteaPush, number: ++pushes });

test('a push is one build, also when a recording of it is sent with other ids, which nobody has signed', async () => {
  const sent = newPush();
  const answers = [];
  for (let replay = 0; replay < 20; replay++)
    answers.push(await api.call('POST', GITEA, sent, giteaHeaders(sent, { delivery: randomUUID() })));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(new Set(answers.map(({ body }) => body.task.id)).size).toBe(1);
});

test('a build that has failed runs once more when it is delivered again, and not one that an operator has cancelled', async () => {
  const sent = newPush();
  const send = () => api.call('POST', GITEA, sent, giteaHeaders(sent));
  const { id } = (await send()).body.task;
  const end = (state: string) =>
    pool.query('update errand.tasks set state = $2, dispatch_id = null, finished_at = now() where id = $1', [
      id,
      state,
    ]);
  await end('failed');
  expect((await send()).body).toMatchObject({ created: false, task: { id, state: 'queued' } });
  await end('cancelled');
  expect((await send()).body).toMatchObject({ created: false, task: { id, state: 'cancelled' } });
});

test('what an HMAC has signed once is one task, whatever the id that comes along, unless its id is to count', async () => {
  const body = JSON.stringify({ reading: 4711 });
  const replay = (one: typeof api) => one.call('POST', METER, body, meterHeaders(body, 'first'));
  expect([(await replay(api)).status, (await replay(api)).status]).toEqual([201, 200]);
  const [, meter] = SOURCES;
  const sources = JSON.stringify([{ ...meter, identified_by: 'delivery_id' }]);
  const alike = await startApi(pool, { config: testConfig({ WEBHOOK_SOURCES: sources }) });
  expect([(await replay(alike)).status, (await replay(alike)).status]).toEqual([201, 201]);
  const headers = meterHeaders(body, 'first');
  const again = () => alike.call('POST', METER, body, headers);
  expect([(await again()).status, (await again()).status]).toEqual([201, 200]);
});
