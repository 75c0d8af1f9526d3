import { afterAll, expect, test } from 'vitest';
import { openPool } from '../../../../store/database/pool.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { openProxy } from '../../../support/network/tcp_proxy.ts';
import { until } from '../../../support/until.ts';

// The answer to the commit of a batch or of a workflow gets lost: nobody knows whether it is there, the caller is told 503, and
// the same request with the same Idempotency-Key makes nothing twice.

const { url, pool } = await createDatabase();
const proxy = await openProxy(url);
const broken = openPool({
  connectionString: proxy.url,
  applicationName: 'api',
  size: 2,
  statementTimeoutMs: 20_000,
  onError: () => {},
});
const api = await startApi(broken);
afterAll(async () => {
  await broken.end();
  await proxy.down();
});

const sleeps = (...times: number[]) => ({ items: times.map((ms) => ({ payload: { ms } })) });
const linear = (number: number) => ({ payload: { number } });
const SLEEP = '/v1/tasks/example.sleep/batch';
const LINEAR = '/v1/tasks/example.linear';

test.each([
  { what: 'a batch', path: SLEEP, body: sleeps(1, 2), other: sleeps(3, 4), commit: 'submit_batch', tasks: 2 },
  {
    what: 'an atomic batch',
    path: `${SLEEP}?atomic=true`,
    ...{ body: sleeps(1, 2), other: sleeps(3, 4), commit: 'commit', tasks: 2 },
  },
  { what: 'a workflow', path: LINEAR, body: linear(1), other: linear(2), commit: 'submit_tasks', tasks: 5 },
  {
    what: 'a batch of workflows',
    path: `${LINEAR}/batch`,
    ...{ body: { items: [linear(1), linear(2)] }, other: { items: [linear(3), linear(4)] } },
    ...{ commit: 'submit_batch', tasks: 10 },
  },
])(
  'F7: $what whose commit was not answered may be sent again with its key, and made once',
  async ({ what, path, body, other, commit, tasks }) => {
    await pool.query('delete from errand.tasks');
    const key = { 'idempotency-key': what };
    let lost = 0;
    proxy.onSend = (connection) => {
      if (lost > 0 || !connection.lastSent().includes(commit)) return;
      lost++;
      connection.loseAnswer();
    };
    const first = await api.call('POST', path, body, key);
    expect([lost, first.status]).toEqual([1, 503]);
    const count = async () => (await pool.query('select from errand.tasks')).rowCount;
    // Postgres commits what it has received, but it need not have done so yet.
    await until('the tasks are there', async () => (await count()) === tasks);
    const again = await api.call('POST', path, body, key);
    expect([again.status, again.body.created]).toEqual([200, path === LINEAR ? false : 0]);
    expect(again.body.duplicates ?? 2).toBe(2);
    // It is the key that holds them, not what is the same in them.
    const another = await api.call('POST', path, other, key);
    expect(another.body.invalid ?? 2).toBe(2);
    expect(another.status).toBe(path.endsWith('/batch') ? 200 : 409);
    expect(await count()).toBe(tasks);
  },
);
