import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import { startOwnApi } from '../../../fast/api/app.ts';
import { raw } from '../../../fast/api/raw.ts';
import { appOptions } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { startProcess } from '../../../support/processes.ts';
import { longestTurn } from '../../../support/turns.ts';
import { expectUnharmed } from '../../../support/witness.ts';

// Whatever one client sends as a body, and however often at once, others are answered meanwhile.

const database = await createDatabase();
const { pool } = database;
const SINGLE = '/v1/tasks/example.echo';
const BATCH = `${SINGLE}/batch`;
const JSON_TYPE = { 'content-type': 'application/json' };

const times = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(',');
const payload = (text: string): string => `{"payload":${text}}`;
const batch = (count: number, item: (index: number) => string): string => `{"items":[${times(count, item)}]}`;

/** An object that is valid but for so many unknown properties. */
const withUnknown = (count: number): string => `{"message":"a",${times(count, (key) => `"k${key}":1`)}}`;

const BODIES: [string, string, string][] = [
  ['a batch with a million unknown properties', BATCH, batch(10_000, () => payload(withUnknown(90)))],
  ['a batch with two million wrong tags', BATCH, batch(10_000, () => `{"tags":[${times(200, () => '1')}]}`)],
  ['a batch of half a million empty items', BATCH, batch(490_000, () => '{}')],
  ['700,000 unknown properties', SINGLE, payload(withUnknown(700_000))],
  ['49,000 unknown properties', SINGLE, payload(withUnknown(49_000))],
  ['half a million levels of lists', SINGLE, payload(`${'['.repeat(490_000)}${']'.repeat(490_000)}`)],
  ['half a million levels of objects', SINGLE, payload(`${'{"a":'.repeat(490_000)}1${'}'.repeat(490_000)}`)],
  ['3 million empty lists', SINGLE, payload(`[${times(3_200_000, () => '[]')}]`)],
  ['9.6 MB of one number', SINGLE, payload('1'.repeat(9_600_000))],
  ['400,000 numbers that are too long', SINGLE, payload(`[${times(400_000, () => '12345678901234567890')}]`)],
  ['9.6 MB of escapes', SINGLE, payload(`"${'\\u0000'.repeat(1_600_000)}"`)],
];

/** Of the CPU of one turn: ten times what a body of 10 MB that is parsed at all takes, as garbage is collected in it, too. */
const MAX_MS = 1_500;
/** Where the CPU is shared with what sends the bodies, turns say more than times: without bounds it is the end of the process. */
const LATE = { floorMs: 10_000 };

test.each(BODIES)('%s: refused, and no turn of the event loop is long', async (_name, path, body) => {
  const api = await startOwnApi(pool, { validateResponses: false });
  const bytes = Buffer.from(body);
  await raw(api.url, 'POST', path, { body: '{}', headers: JSON_TYPE });
  const longest = await longestTurn(async () => {
    const answer = await raw(api.url, 'POST', path, { body: bytes, headers: JSON_TYPE });
    expect([200, 400, 413]).toContain(answer.status);
    if (answer.status === 200) expect(answer.body).toMatchObject({ created: 0, invalid: 10_000 });
    expect(answer.text.length).toBeLessThan(2_000_000);
  });
  expect(longest).toBeLessThan(MAX_MS);
});

test('when a batch has told what it tells, of the other items it is only asked whether they are valid', async () => {
  const options = appOptions(pool, new AbortController().signal);
  const definition = options.registry.get('example.echo');
  if (definition === undefined) throw new Error('There is no example.echo');
  const judged = vi.spyOn(definition.judges, 'payload');
  const api = await startOwnApi(pool, { registry: options.registry });
  const items = [
    ...Array.from({ length: 12 }, () => JSON.parse(payload(withUnknown(90)))),
    { payload: { message: 'the last one is fine' } },
  ];
  const { body } = await api.call('POST', BATCH, { items });
  expect(body).toMatchObject({ created: 1, invalid: 12 });
  expect(judged.mock.calls.map(([, , most]) => most)).toEqual([...Array(12).fill(100), 1]);
  const told = body.items.flatMap(({ errors = [] }: { errors?: unknown[] }) => errors);
  expect(told.length).toBeLessThanOrEqual(1_012);
});

test('twenty large bodies at once, again and again, end no small process and keep nobody waiting', async () => {
  const environment = { NODE_OPTIONS: '--max-old-space-size=600', LOG_LEVEL: 'warn' };
  const api = await startProcess('api/main.ts', database.url, environment);
  const statuses = new Set<number>();
  // 408: on a busy machine a body that is let in may take longer than a request may.
  const refusals = [400, 408, 429];
  const inflict = async () => {
    const { stdout } = spawn(process.execPath, [
      join(import.meta.dirname, 'fixtures', 'greedy.ts'),
      api.url,
      SINGLE,
    ]);
    return {
      over: text(stdout).then((told) => {
        for (const status of JSON.parse(told) as number[]) statuses.add(status);
      }),
    };
  };
  await expectUnharmed(api.url, { path: '/live', from: '127.0.0.9' }, inflict, LATE);
  expect([...statuses].filter((status) => !refusals.includes(status))).toEqual([]);
  expect(statuses).toContain(429);
});

test('what comes without a length is counted as it comes, and small ones are let in', async () => {
  const api = await startOwnApi(pool);
  const small = JSON.stringify({ payload: { message: 'in chunks' }, dedup: 'none' });
  const answers = await Promise.all(
    Array.from({ length: 30 }, () =>
      raw(api.url, 'POST', SINGLE, { body: small, headers: JSON_TYPE, chunked: true }),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
});
