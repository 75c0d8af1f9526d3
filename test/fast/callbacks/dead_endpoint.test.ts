import { expect, test } from 'vitest';
import { restEndpoints } from '../../../runner/builtin/deliver.ts';
import { loadHandlers } from '../../../runner/builtin/registered_handlers.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { loadHandler } from '../../../tasks/handlers.ts';
import { definitions } from '../../../tasks/index.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { answering, deliveriesDone, startDelivering, startReceiver } from './receiver.ts';

const { pool } = await createDatabase();
await registerDefinitions(pool, definitions);

/** A task that has ended, with a callback. */
async function ended(callbackUrl: string): Promise<string> {
  const { id } = await submitOne(pool, {
    name: 'example.echo',
    payload: { message: crypto.randomUUID() },
    callbackUrl,
  });
  await cancelTask(pool, id);
  return id;
}

test('an endpoint that fails again and again is left alone, and others are told meanwhile', async () => {
  const dead = await startReceiver(answering(500));
  const well = await startReceiver();
  for (let message = 0; message < 40; message++) await ended(dead.url);
  await startDelivering(pool, { failuresToRest: 5, backoffMs: 3_600_000 });
  await until('each of its deliveries was tried or put off', async () => {
    const { rows } = await pool.query(
      `select from errand.tasks where name = 'webhook.deliver' and state = 'retrying'`,
    );
    return rows.length === 40;
  });
  const told = await ended(well.url);
  expect((await deliveriesDone(pool, told, 1))[0]?.state).toBe('succeeded');
  // Those that were under way together have all been sent.
  expect(dead.received().length).toBeLessThan(40);
  const { rows } = await pool.query<{ message: string }>(
    `select error ->> 'message' as message from errand.attempts where error ->> 'error_code' = 'ENDPOINT_AT_REST'`,
  );
  expect(rows.length).toBe(40 - dead.received().length);
  expect(rows[0]?.message).toMatch(
    /^Not sent: 127\.0\.0\.1:\d+ failed \d+ times in a row\. Trying again in \d+ s$/,
  );
});

test('deliveries that hang leave slots to other tasks', async () => {
  const hanging = await startReceiver(() => {});
  const { pool: own } = await createDatabase();
  await registerDefinitions(own, definitions);
  const callbackUrl = hanging.url;
  for (let message = 0; message < 20; message++) {
    const { id } = await submitOne(own, {
      ...{ name: 'example.echo', payload: { message: String(message) }, callbackUrl },
    });
    await cancelTask(own, id);
  }
  const registeredHandlers = await loadHandlers(own, definitions, ({ name }) => loadHandler(name));
  await startDelivering(own, {}, { registeredHandlers, concurrency: 4 });
  await until('one of them hangs', () => hanging.requests.length > 0);
  const { id } = await submitOne(own, { name: 'example.echo', payload: { message: 'other' } });
  await until('another task succeeds', async () => {
    const { rows } = await own.query('select from errand.tasks where id = $1 and state = $2', [
      id,
      'succeeded',
    ]);
    return rows.length === 1;
  });
  // A quarter of four slots.
  expect(hanging.sockets.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(1);
});

test('one request is let through when its rest is over, and one that goes well ends it', async () => {
  const sendTo = restEndpoints(1);
  let isWell = false;
  let sent = 0;
  const send = () =>
    sendTo(
      'a.test',
      async () => {
        sent++;
        return isWell;
      },
      (answer) => answer,
    ).catch((error: Error & { retryAfterMs: number }) => error);
  expect(await send()).toBe(false);
  const put = await send();
  expect(put).toMatchObject({ code: 'ENDPOINT_AT_REST' });
  expect(sent).toBe(1);
  isWell = true;
  await until('it is tried again', async () => (await send()) === true);
  expect(sent).toBe(2);
  expect(await send()).toBe(true);
});
