import type { Locator } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { authenticator, makeKey, TRUST } from '../../fast/api/auth/keys.ts';
import { SECRETS, secretOf } from '../../fast/callbacks/receiver.ts';
import { testConfig } from '../../support/api_options.ts';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// The rights of each action (specification U7) in a real Chromium: an operator has its button, a user who may only
// read has none, and the server refuses the request all the same.

const operating = makeKey('ann', { namespaces: ['*'], scopes: ['read', 'submit', 'operate'] });
const reading = makeKey('bob', { namespaces: ['*'], scopes: ['read'] });
const foreign = makeKey('eve', { namespaces: ['text'], scopes: ['read', 'submit', 'operate'] });
const keys = [operating, reading, foreign];
const authenticate = await authenticator({
  ...TRUST,
  API_KEYS: JSON.stringify(keys.map(({ entry }) => entry)),
});
const config = testConfig({ WEBHOOK_SECRETS: secretOf('a'), ALLOW_PRIVATE_TARGETS: 'true' });
const callbacks = { allowPrivate: true, secrets: SECRETS };
const { api, open } = await startDashboard({ authenticate, config, runner: { callbacks } });

const as = ({ key }: { key: string }): Record<string, string> => ({ 'x-api-key': key });
const ask = (method: string, path: string, body?: object) => api.call(method, path, body, as(operating));

const known: Record<string, string> = {};

beforeAll(async () => {
  const submit = async (name: string, body: object): Promise<string> =>
    (await ask('POST', `/v1/tasks/${name}`, body)).body.task.id;
  const state = async (id: string): Promise<string> => (await ask('GET', `/v1/tasks/${id}`)).body.state;
  known.failed = await submit('example.fail', {
    ...{ payload: { times: 9, message: 'no' }, max_attempts: 1, callback_url: 'http://127.0.0.1:9/nobody' },
  });
  known.waiting = await submit('example.echo', { payload: { message: 'later' }, delay_seconds: 86_400 });
  await ask('PUT', '/v1/queues/example.mixed.add_one/pause');
  known.workflow = await submit('example.mixed', { payload: { number: 40 } });
  await ask('PUT', '/v1/schedules/example.hourly', {
    ...{ task: 'example.echo', payload: { message: 'a' }, cron: '0 * * * *' },
  });
  await until('the task has failed', async () => (await state(known.failed ?? '')) === 'failed');
  await until('its message is there', async () => {
    const { body } = await ask('GET', `/v1/tasks/${known.failed}/deliveries`);
    known.delivery = body.deliveries[0]?.id;
    return known.delivery !== undefined;
  });
  const { nodes } = (await ask('GET', `/v1/tasks/${known.workflow}`)).body.workflow;
  known.step = nodes.find((one: { step: string }) => one.step === 'add_one').id;
  known.group = encodeURIComponent((await ask('GET', '/v1/errors')).body.groups[0].error_group);
});

/** The path of a page or an operation, with the things that it names. */
const filled = (path: string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => known[name] ?? '');

type Action = { page: string; open?: string; name: string; method: string; path: string; body?: object };
const reason = { reason: 'because' };
const ACTIONS: Record<string, Action> = {
  'retry all': {
    page: '/tasks',
    name: 'Retry all',
    method: 'POST',
    path: '/v1/tasks/retry',
    body: { all: true },
  },
  'cancel all': {
    page: '/tasks',
    name: 'Cancel all',
    method: 'POST',
    path: '/v1/tasks/cancel',
    body: { all: true },
  },
  'retry one in the list': {
    page: '/tasks',
    name: 'Retry example.fail',
    method: 'PATCH',
    path: '/v1/tasks/{failed}/retry',
  },
  retry: { page: '/tasks/{failed}', name: 'Retry', method: 'PATCH', path: '/v1/tasks/{failed}/retry' },
  cancel: { page: '/tasks/{waiting}', name: 'Cancel', method: 'DELETE', path: '/v1/tasks/{waiting}' },
  dismiss: {
    page: '/tasks/{failed}',
    name: 'Dismiss',
    method: 'POST',
    path: '/v1/tasks/{failed}/dismiss',
    body: reason,
  },
  resubmit: {
    ...{ page: '/tasks/{failed}', name: 'Edit and submit again', method: 'POST' },
    ...{ path: '/v1/tasks/{failed}/resubmit', body: { ...reason, payload: { times: 0 } } },
  },
  'resolve a step': {
    ...{ page: '/tasks/{workflow}', open: 'add_one', name: 'Resolve', method: 'PATCH' },
    path: '/v1/tasks/{workflow}/workflow_steps/{step}',
    body: { ...reason, resolution_data: { number: 41 }, resolved_by: 'bob' },
  },
  'send a callback again': {
    ...{ page: '/tasks/{failed}', name: 'Send again', method: 'POST' },
    path: '/v1/tasks/{failed}/deliveries/{delivery}/resend',
  },
  'retry a group': { page: '/errors', name: 'Retry all', method: 'POST', path: '/v1/errors/{group}/retry' },
  'resolve a group': { page: '/errors', name: 'Resolve', method: 'PUT', path: '/v1/errors/{group}/resolve' },
  'ignore a group': {
    page: '/errors/{group}',
    name: 'Ignore',
    method: 'PUT',
    path: '/v1/errors/{group}/ignore',
  },
  'pause a queue': {
    ...{ page: '/queues', name: 'Pause example.echo', method: 'PUT', path: '/v1/queues/example.echo/pause' },
  },
  'resume a queue': {
    ...{ page: '/', name: 'Resume', method: 'PUT', path: '/v1/queues/example.mixed.add_one/resume' },
  },
  'make a schedule': {
    ...{ page: '/schedules', name: 'New schedule', method: 'PUT', path: '/v1/schedules/example.new' },
    body: { task: 'example.echo', payload: { message: 'a' }, cron: '0 * * * *' },
  },
  'change a schedule': {
    ...{
      page: '/schedules/example.hourly',
      name: 'Edit',
      method: 'PUT',
      path: '/v1/schedules/example.hourly',
    },
    body: { task: 'example.echo', payload: { message: 'b' }, cron: '0 * * * *' },
  },
  'pause a schedule': {
    ...{ page: '/schedules/example.hourly', name: 'Pause', method: 'PUT' },
    path: '/v1/schedules/example.hourly/pause',
  },
  'run a schedule now': {
    ...{ page: '/schedules/example.hourly', name: 'Run now', method: 'POST' },
    path: '/v1/schedules/example.hourly/trigger',
  },
  'backfill a schedule': {
    ...{ page: '/schedules/example.hourly', name: 'Backfill', method: 'POST' },
    path: '/v1/schedules/example.hourly/backfill',
    body: { from: '2026-03-01T00:00:00Z', to: '2026-03-01T01:00:00Z' },
  },
  'delete a schedule': {
    ...{
      page: '/schedules/example.hourly',
      name: 'Delete',
      method: 'DELETE',
      path: '/v1/schedules/example.hourly',
    },
  },
};

/** Waits until a page has read what it shows. */
const PAGE_SHOWS: Record<string, string> = {
  '/tasks': 'example.fail',
  '/errors': 'example.fail',
  '/queues': 'example.echo',
  '/': 'example.mixed.add_one is paused',
  '/schedules': 'example.hourly',
};

async function opened(path: string, inner: string | undefined, { key }: { key: string }) {
  const tab = await open(filled(path), { secret: key });
  await tab.page.locator('main h1').waitFor();
  const text = PAGE_SHOWS[path];
  if (text !== undefined) await tab.page.locator('main').getByText(text).first().waitFor();
  if (inner !== undefined) await tab.page.getByRole('button', { name: new RegExp(`^${inner}`) }).click();
  await until('nothing loads', async () => (await tab.page.locator('.loading').count()) === 0);
  return { ...tab, main: tab.page.locator('main') };
}

/** Every button that changes something. */
const CHANGES =
  /^(Retry|Cancel|Dismiss|Resolve|Ignore|Reopen|Pause|Resume|Run|Delete|Edit|Send|Enable|Backfill|New|Submit|Abort)\b/;

const PAGES = [...new Set(Object.values(ACTIONS).map(({ page }) => page))];

test.each(PAGES)('on the page %s an operator has the buttons, and a reader has none', async (path) => {
  const actions = Object.values(ACTIONS).filter(({ page }) => page === path);
  const inner = actions.find(({ open: one }) => one !== undefined)?.open;
  const operator = await opened(path, inner, operating);
  const reader = await opened(path, inner, reading);
  for (const { name } of actions) {
    const isHere = { name: new RegExp(`^${name}\\b`) };
    const button = (main: Locator) => main.getByRole('button', isHere).or(main.getByRole('link', isHere));
    await button(operator.main).first().waitFor();
    expect([name, await button(reader.main).count()]).toEqual([name, 0]);
  }
  const texts = await reader.main.locator('button, a.button').allTextContents();
  expect(texts.filter((text) => CHANGES.test(text))).toEqual([]);
  await operator.page.context().close();
  await reader.page.context().close();
});

test('a reader of pages without operations of their own sees none either', async () => {
  for (const path of ['/runners', '/callbacks']) {
    const { main, page } = await opened(path, undefined, reading);
    const texts = await main.locator('button, a.button').allTextContents();
    expect([path, texts.filter((text) => CHANGES.test(text))]).toEqual([path, []]);
    await page.context().close();
  }
});

describe.each(Object.keys(ACTIONS))('%s', (which) => {
  const { method = '', path = '', body } = ACTIONS[which] ?? {};

  test('the server refuses a reader', async () => {
    const answer = await api.call(method, filled(path), body, as(reading));
    expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN']);
  });

  test('an operator of another namespace changes nothing', async () => {
    const before = await ask('GET', '/v1/audit?page_size=1');
    const answer = await api.call(method, filled(path), body, as(foreign));
    // What picks by a filter finds nothing of others; all else is refused.
    if (answer.status === 200) expect(answer.body.changed).toBe(0);
    else expect([403, 404]).toContain(answer.status);
    const changed = (await ask('GET', '/v1/audit?page_size=5')).body.entries.filter(
      (one: { id: number; action: string }) =>
        one.id > (before.body.entries[0]?.id ?? 0) && !one.action.startsWith('bulk_'),
    );
    expect(changed).toEqual([]);
  });
});
