import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask, type TaskDefinition } from '../../../../core/task.ts';
import { appOptions } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { startOwnApi } from '../app.ts';
import { registryWith } from '../definitions.ts';
import { counts, expectRefused } from '../ledger.ts';

const { pool } = await createDatabase();

/** Far more than any of these tests needs: what goes on for ever shows. */
const MANY = 400;

/** What is to be done for each text that is checked: an error, or null. */
let look: (text: string) => string | null = () => null;

const looked = defineTask({
  name: 'lab.looked',
  version: '1',
  description: 'For this test',
  payload: z.strictObject({
    texts: z.array(
      z.string().superRefine((text, context) => {
        const message = look(text);
        if (message !== null) context.addIssue({ code: 'custom', message });
      }),
    ),
  }),
  example: { texts: [] },
});
const registry = registryWith(looked as TaskDefinition);
const PATH = '/v1/tasks/lab.looked/batch';

function items(count: number, texts: number): { payload: { texts: string[] } }[] {
  return Array.from({ length: count }, () => ({ payload: { texts: Array(texts).fill('a') } }));
}

/** Keeps the process busy for longer than a turn of a request may be. */
function beBusy(): void {
  const until = performance.now() + 25;
  while (performance.now() < until);
}

type Item = { created: boolean; errors?: { path: string; message: string }[] };

test('a hundred details of an item are told, and a thousand of a batch', async () => {
  look = () => 'is wrong';
  const api = await startOwnApi(pool, { registry });
  const { status, body } = await api.call('POST', PATH, { items: items(15, 200) });
  expect(status).toBe(200);
  expect(body).toMatchObject({ created: 0, invalid: 15 });
  const told = body.items.map(({ errors = [] }: Item) => errors.length);
  expect(told).toEqual([...Array(10).fill(100), ...Array(5).fill(1)]);
  expect(body.items[9].errors[99].path).toBe('/body/items/9/payload/texts/99');
  expect(body.items[14].errors).toEqual([
    {
      path: '/body/items/14',
      message: 'is not valid: an answer shows only the first 1000 details of a batch',
    },
  ]);
});

test('of an item that the answer has not room for, it tells what it has room for', async () => {
  look = () => 'is wrong';
  const api = await startOwnApi(pool, { registry });
  const { body } = await api.call('POST', PATH, { items: items(15, 75) });
  const told = body.items.map(({ errors = [] }: Item) => errors.length);
  expect(told).toEqual([...Array(13).fill(75), 26, 1]);
});

test('the answer to 10,000 invalid items is small, and says of each that it is invalid', async () => {
  look = () => 'is wrong';
  const api = await startOwnApi(pool, { registry });
  const { body, text } = await api.call('POST', PATH, { items: items(10_000, 2) });
  expect(body).toMatchObject({ created: 0, duplicates: 0, invalid: 10_000 });
  expect(body.items.every(({ created, errors = [] }: Item) => !created && errors.length > 0)).toBe(true);
  expect(text.length).toBeLessThan(2_000_000);
});

test('a batch that is atomic is refused with a hundred details, and the items after these are not looked at', async () => {
  let calls = 0;
  look = () => {
    calls++;
    return 'is wrong';
  };
  const api = await startOwnApi(pool, { registry });
  const answer = await expectRefused(
    api,
    pool,
    () => api.call('POST', `${PATH}?atomic=true`, { items: items(MANY, 30) }),
    { status: 400, code: 'VALIDATION_FAILED', details: 'some' },
  );
  expect(answer.body.details).toHaveLength(100);
  expect(answer.body.details[99].path).toBe('/body/items/3/payload/texts/9');
  expect(calls).toBe(4 * 30);
});

test('a batch of 9 MB of wrong values is answered item by item, in few words', async () => {
  const api = await startOwnApi(pool, { registry });
  const texts = `[${Array(9_000).fill('1').join()}]`;
  const body = `{"items":[${Array(500).fill(`{"payload":{"texts":${texts}}}`).join()}]}`;
  const answer = await api.call('POST', PATH, body);
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({ created: 0, invalid: 500 });
  expect(answer.text.length).toBeLessThan(200_000);
});

test('an item with more values than a payload may have is refused, and the others are taken', async () => {
  look = () => null;
  const api = await startOwnApi(pool, { registry });
  const large = `{"payload":{"texts":[${Array(500_000).fill('""').join()}]}}`;
  const { body } = await api.call('POST', PATH, `{"items":[{"payload":{"texts":["a"]}},${large}]}`);
  expect(body).toMatchObject({ created: 1, invalid: 1 });
  expect(body.items[1].errors).toEqual([
    {
      path: '/body/items/1',
      message: 'has more than 500000 values (properties and items): send it in parts',
    },
  ]);
});

test('another request is answered while a batch is checked', async () => {
  const api = await startOwnApi(pool, { registry });
  const answered: string[] = [];
  let other: Promise<unknown> | undefined;
  look = () => {
    other ??= api.call('GET', '/v1/queues').then(() => answered.push('other'));
    if (answered.length === 0) beBusy();
    return null;
  };
  await api.call('POST', PATH, { items: items(MANY, 1) }).then(() => answered.push('batch'));
  await other;
  expect(answered).toEqual(['other', 'batch']);
});

test('a batch whose caller has hung up is checked no further, and nothing of it is inserted', async () => {
  const api = await startOwnApi(pool, { registry });
  const before = await counts(pool);
  const caller = new AbortController();
  let calls = 0;
  look = () => {
    if (++calls === 2) caller.abort();
    beBusy();
    return null;
  };
  const body = JSON.stringify({ items: items(MANY, 1) });
  const headers = { 'content-type': 'application/json' };
  const sent = fetch(`${api.url}${PATH}`, { method: 'POST', body, headers, signal: caller.signal });
  await expect(sent).rejects.toThrow();
  await until('it is noticed', () =>
    api.lines.some(({ msg }) => msg === 'the caller disconnected before the answer'),
  );
  const then = calls;
  expect(then).toBeLessThan(MANY);
  await api.call('GET', '/v1/queues');
  expect(calls).toBe(then);
  expect(await counts(pool)).toEqual(before);
});

test('a batch whose time is over is checked no further, and nothing of it is inserted', async () => {
  const { config } = appOptions(pool, new AbortController().signal, { REQUEST_TIMEOUT_SECS: '1' });
  const api = await startOwnApi(pool, { registry, config });
  let calls = 0;
  look = () => {
    calls++;
    beBusy();
    return null;
  };
  await expectRefused(api, pool, () => api.call('POST', PATH, { items: items(MANY, 1) }), {
    status: 408,
    code: 'REQUEST_TIMEOUT',
  });
  const then = calls;
  expect(then).toBeLessThan(MANY);
  await api.call('GET', '/v1/queues');
  expect(calls - then).toBeLessThan(2);
});
