import { beforeEach, expect, test, vi } from 'vitest';
import type { SchemaInput } from '../../../core/schema.ts';
import type { Task } from '../../../store/tasks/tasks.ts';
import { buildReport } from '../../../tasks/report.build.workflow.ts';
import { createDatabase } from '../../support/database.ts';
import { retryTask } from '../../support/operator.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { childrenOf, stepOf, submitWorkflow } from '../workflows/workflows.ts';
import { startTarget } from './http-harness.ts';

const { pool } = await createDatabase();

/** What the server of a test has. */
const PAGES: Record<string, string | Buffer> = {
  '/short': 'Call me Ishmael.',
  '/long': 'Some years ago, never mind how long precisely',
  '/empty': '',
  '/picture': Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x00, 0xff]),
  '/endless': 'whale '.repeat(50_000),
};

// Read when the first http.request runs.
beforeEach(() => vi.stubEnv('ALLOW_PRIVATE_TARGETS', 'true'));

/** A server with these pages and an inbox; `gone` are those that it does not find for now. */
async function startSite() {
  const gone = new Set<string>();
  const { url, requests } = await startTarget(({ method, url: path = '' }, response) => {
    const page = gone.has(path) ? undefined : PAGES[path];
    if (method === 'POST') response.writeHead(202).end();
    else if (page === undefined) response.writeHead(404).end('not here');
    else response.end(page);
  });
  const seen = () => requests.map((request) => `${request.method} ${request.url}`).toSorted();
  const sent = (path: string): unknown[] =>
    requests.filter((request) => request.url === path).map(({ body }) => JSON.parse(body));
  return { url, gone, seen, sent };
}

function build(payload: SchemaInput<typeof buildReport.payload>): Promise<Task> {
  return submitWorkflow(pool, buildReport, payload);
}

const SHORT = { words: 3, characters: 16, longest_word: 'Ishmael', truncated: false };
const LONG = { words: 8, characters: 45, longest_word: 'precisely', truncated: false };

test('a report of pages, most words first, is delivered and is the result', async () => {
  await startTestRunner(pool);
  const site = await startSite();
  const urls = [`${site.url}/short`, `${site.url}/long`];
  const { id } = await build({ urls, title: 'Two pages', deliver_to: `${site.url}/inbox` });
  const report = {
    title: 'Two pages',
    pages: [
      { url: urls[1], ...LONG },
      { url: urls[0], ...SHORT },
    ],
    total: { pages: 2, words: 11, characters: 61 },
  };
  expect(await finished(pool, id)).toMatchObject({
    state: 'succeeded',
    result: { ...report, delivered: 202 },
  });
  expect(site.sent('/inbox')).toEqual([report]);
  expect(site.seen()).toEqual(['GET /long', 'GET /short', 'POST /inbox']);
});

test('without a place to deliver it to it is the result only, and what is no text has no words', async () => {
  await startTestRunner(pool);
  const site = await startSite();
  const urls = ['/picture', '/empty', '/short', '/endless', '/short'].map((path) => site.url + path);
  const { id } = await build({ urls, title: 'Odd pages' });
  const none = { words: 0, characters: 0, longest_word: '', truncated: false };
  // Its first 256 KiB end within a word.
  const endless = { words: 43_691, characters: 262_144, longest_word: 'whale', truncated: true };
  expect((await finished(pool, id)).result).toEqual({
    title: 'Odd pages',
    pages: [
      { url: urls[3], ...endless },
      { url: urls[2], ...SHORT },
      { url: urls[4], ...SHORT },
      { url: urls[0], ...none },
      { url: urls[1], ...none },
    ],
    total: { pages: 5, words: 43_697, characters: 262_176 },
    delivered: null,
  });
  expect(await stepOf(pool, id, 'deliver')).toMatchObject({ state: 'succeeded', skipped: true });
  const { id: countId } = await stepOf(pool, id, 'count');
  expect(Object.values(await childrenOf(pool, countId))).toEqual(Array(3).fill('succeeded 1'));
});

test('a page that is not there fails it, which is logged and told; a retry fetches that page alone', async () => {
  await startTestRunner(pool);
  const site = await startSite();
  site.gone.add('/long');
  const urls = [`${site.url}/short`, `${site.url}/long`];
  const { id } = await build({ urls, title: 'Two pages', failed_to: `${site.url}/failures` });
  const why = `GET ${site.url} answered 404, expected 200 to 299`;
  const message = `1 of 2 did not succeed: http.request failed: ${why}`;
  expect(await finished(pool, id)).toMatchObject({
    state: 'failed',
    error: { error_code: 'STEP_FAILED', message: expect.stringContaining(`fetch failed: ${message}`) },
  });
  expect(await childrenOf(pool, id)).toMatchObject({
    count: 'waiting 1',
    combine: 'waiting 1',
    deliver: 'waiting 1',
    on_failure: 'succeeded 1',
  });
  const onFailure = await stepOf(pool, id, 'on_failure');
  const { rows: lines } = await pool.query<{ message: string }>(
    `select message from errand.logs where task_id = $1 and level = 'error'`,
    [onFailure.id],
  );
  expect(lines).toEqual([{ message: `the report Two pages failed: ${message}` }]);
  await until('the failure was told', () => site.seen().includes('POST /failures'));
  expect(site.sent('/failures')).toEqual([{ title: 'Two pages', failed: [{ step: 'fetch', message }] }]);
  expect(site.seen()).toEqual(['GET /long', 'GET /short', 'POST /failures']);

  site.gone.clear();
  await retryTask(pool, id);
  expect(await finished(pool, id)).toMatchObject({
    state: 'succeeded',
    result: { total: { pages: 2, words: 11, characters: 61 } },
  });
  expect(site.seen()).toEqual(['GET /long', 'GET /long', 'GET /short', 'POST /failures']);
});

test.each<[string, object, string]>([
  ['no pages', { urls: [] }, '/urls'],
  ['too many', { urls: Array(21).fill('https://www.example.com/') }, '/urls'],
  ['what http.request would refuse', { urls: ['https://me:secret@www.example.com/'] }, '/urls/0'],
  ['no http to deliver it by', { deliver_to: 'mailto:ahab@example.com' }, '/deliver_to'],
  ['an unknown field', { deliver: 'https://www.example.com/' }, ''],
])('refuses %s', (_what, fields, path) => {
  const parsed = buildReport.payload.safeParse({ ...buildReport.example, ...fields });
  expect(parsed.error?.issues.map((issue) => ['', ...issue.path].join('/'))).toContain(path);
});
