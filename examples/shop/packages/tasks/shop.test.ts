import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { startTestErrand, type TestErrand } from 'errand/testing';
import config from './errand.config.ts';
import type { Tasks } from './types.ts';

/** A mail service that is down for its first request. */
const mails: { to: string; subject: string }[] = [];
let requests = 0;
const service = createServer(async (request, response) => {
  requests++;
  const mail = JSON.parse(Buffer.concat(await request.toArray()).toString()) as (typeof mails)[number];
  if (requests > 1) mails.push(mail);
  response.writeHead(requests > 1 ? 201 : 503, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ id: `mail-${requests}` }));
});

let errand: TestErrand<Tasks>;
before(async () => {
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const address = service.address();
  if (address === null || typeof address === 'string') throw new Error('The mail service has no port');
  process.env.MAIL_URL = `http://127.0.0.1:${address.port}`;
  errand = await startTestErrand<Tasks>({
    tasks: config.tasks,
    directory: import.meta.dirname,
    // The day before the clock goes back.
    at: '2026-10-24T12:00:00+02:00',
  });
});
after(async () => {
  await errand.stop();
  service.close();
});

test('an order is reserved, billed and mailed, although the mail service is down at first', async () => {
  const { id } = await errand.submit('orders.place', {
    order: 'A-1',
    email: 'ann@example.com',
    articles: [
      { article: 'tea-pot', pieces: 1 },
      { article: 'cup', pieces: 4 },
    ],
  });
  await errand.drain();
  // The next attempt is due later.
  await errand.advance('1 minute');
  const order = await errand.task(id);
  assert.deepEqual([order.state, order.result], ['succeeded', { cents: 6_010 }]);
  assert.deepEqual(
    mails.map(({ to }) => to),
    ['ann@example.com'],
  );
});

test('each night has the report of the day before, also the one in which the clock goes back', async () => {
  await errand.advance('3 days');
  const reports = mails.filter(({ to }) => to === 'boss@example.com');
  assert.deepEqual(
    reports.map(({ subject }) => subject),
    ['Orders of 2026-10-24', 'Orders of 2026-10-25', 'Orders of 2026-10-26'],
  );
});

test('a report of another day can be asked for', async () => {
  const { id } = await errand.submit('reports.nightly', { day: '2026-10-01', to: 'ann@example.com' });
  await errand.drain();
  const { result } = await errand.task(id);
  assert.deepEqual(result, { orders: 3, cents: 3_440 });
});
