import { expect, test } from 'vitest';
import { getTask } from '../../../../store/tasks/tasks.ts';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { counts } from '../ledger.ts';
import { githubPush } from './webhook_bodies.ts';
import { githubHeaders, SENDERS, shopHeaders } from './webhook_senders.ts';

// What senders send that no payload may have: it is their business, unless it is stored.

const { pool } = await createDatabase();
const api = await startApi(pool, { config: testConfig(SENDERS) });
const GITHUB = '/v1/webhooks/github';

const ODD = [
  ['an integer beyond 2^53', '12345678901234567890'],
  ['a number that nothing holds', '1e400'],
  ['NUL', '"a\\u0000b"'],
  ['a lone surrogate', '"\\ud800"'],
  ['a prototype key', '{"__proto__":{"ref":"x"}}'],
  ['a constructor', '{"constructor":{"prototype":{}}}'],
  ['much depth', `${'['.repeat(100)}${']'.repeat(100)}`],
] as const;

const withOdd = (body: object, odd: string): string => JSON.stringify(body).replace('{', `{"odd":${odd},`);

test.each(ODD)('an event that is ignored may have %s', async (_what, odd) => {
  const before = await counts(pool);
  const star = withOdd({ action: 'created', starred_at: '2026-01-01T00:00:00Z' }, odd);
  const ofGithub = await api.call('POST', GITHUB, star, githubHeaders(star, { event: 'star' }));
  expect([ofGithub.status, ofGithub.body.ignored]).toEqual([202, true]);
  const order = withOdd({ type: 'order.lost' }, odd);
  const ofShop = await api.call('POST', '/v1/webhooks/shop', order, shopHeaders(order));
  expect([ofShop.status, ofShop.body.ignored]).toEqual([202, true]);
  expect(await counts(pool)).toEqual(before);
});

test.each(ODD)('a push may have %s beside what a build needs', async (_what, odd) => {
  const push = withOdd(githubPush, odd);
  const { status, body } = await api.call('POST', GITHUB, push, githubHeaders(push));
  expect(status).toBe(201);
  expect(await getTask(pool, body.task.id)).toMatchObject({ payload: { branch: 'feature/words' } });
});

test('what is stored of an event is looked at, wherever it comes from', async () => {
  const ref = JSON.stringify(githubPush).replace(/"ref":"[^"]*"/, '"ref":12345678901234567890');
  expect((await api.call('POST', GITHUB, ref, githubHeaders(ref))).status).toBe(400);
});

test('a push of 24 MB, with 300,000 names of files, becomes a build', async () => {
  const added = Array.from({ length: 300 }, (_, index) => `packages/${'x'.repeat(60)}/${index}.ts`);
  const commits = Array.from({ length: 1_000 }, () => ({ id: 'a', message: 'Move', added }));
  const push = JSON.stringify({ ...githubPush, commits });
  expect(push.length).toBeGreaterThan(22 * 1024 * 1024);
  expect(push.length).toBeLessThan(25 * 1024 * 1024);
  const { status, body } = await api.call('POST', GITHUB, push, githubHeaders(push));
  expect([status, body]).toMatchObject([201, { created: true }]);
});
