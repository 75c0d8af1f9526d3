import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { startTestErrand, type TestErrand } from 'errand/testing';
import config from './errand.config.ts';
import type { Tasks } from './types.ts';

/** A mail service that is down for its first request. */
const mails: string[] = [];
let requests = 0;
const service = createServer(async (request, response) => {
  requests++;
  const { to } = JSON.parse(Buffer.concat(await request.toArray()).toString()) as { to: string };
  if (requests > 1) mails.push(to);
  response.writeHead(requests > 1 ? 201 : 503, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ id: `mail-${requests}` }));
});

let errand: TestErrand<Tasks>;
before(async () => {
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const address = service.address();
  if (address === null || typeof address === 'string') throw new Error('The mail service has no port');
  process.env.MAIL_URL = `http://127.0.0.1:${address.port}`;
  errand = await startTestErrand<Tasks>({ tasks: config.tasks, directory: import.meta.dirname });
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
  assert.deepEqual(mails, ['ann@example.com']);
});

test('the nightly report mails its sum once', async () => {
  await errand.submit('reports.nightly', { day: '2026-11-30', to: 'boss@example.com', cents: [2_450, 890] });
  await errand.drain();
  const [mail] = await errand.submitted('mail.send');
  assert.equal(mail?.state, 'succeeded');
  assert.deepEqual(mails.slice(-1), ['boss@example.com']);
});
