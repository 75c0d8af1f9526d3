import { beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { type Opening, startDashboard } from './dashboard.ts';

// Every page of the dashboard (specification U6, U8) in a real Chromium: light, dark, at the width of a phone, with hostile text in every field. No
// serious finding of axe-core, nothing in the console, and nothing that runs over the edge.

const { api, pool, submit, open } = await startDashboard();

const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"'&{{7*7}}\u202e${'long'.repeat(20)}`;
let failed = '';
let workflow = '';
let group = '';

beforeAll(async () => {
  const more = { tags: [HOSTILE.slice(0, 90)], initiator: HOSTILE, reason: HOSTILE, source_system: HOSTILE };
  failed = await submit('example.fail', { times: 9, message: HOSTILE }, { max_attempts: 1, ...more });
  await submit('example.echo', { message: HOSTILE }, { ...more, dedup_key: HOSTILE });
  workflow = await submit('example.mixed', { number: 4 });
  await api.call('PUT', `/v1/queues/text/pause?reason=${encodeURIComponent(HOSTILE)}`);
  await submit('text.count_words', { text: HOSTILE });
  await until('they have ended', async () => {
    const { body } = await api.call('GET', '/v1/tasks?state=failed&state=succeeded&top_level=true');
    return body.total === 3;
  });
  const schedule = {
    task: 'example.echo',
    payload: { message: HOSTILE },
    cron: '30 7 * * MON-FRI',
    timezone: 'Europe/Berlin',
  };
  expect((await api.call('PUT', '/v1/schedules/example.morning', schedule)).status).toBe(201);
  await pool.query(`insert into errand.limits (name, declared_slots) values ('example.printer', 2)`);
  await pool.query(
    `insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
     select gen_random_uuid(), 'example.printer', $1 || number, 'example.echo', '1', 0, now(), 0, now(), gen_random_uuid()
       from generate_series(1, 3) number`,
    [HOSTILE],
  );
  const change = { limit: 7, paused: true, reason: HOSTILE };
  expect((await api.call('PUT', '/v1/limits/example.printer', change)).status).toBe(200);
  group = (await api.call('GET', '/v1/errors')).body.groups[0].error_group;
});

const PAGES: Record<string, { path: () => string; shows: string }> = {
  home: { path: () => '/', shows: 'Needs somebody' },
  tasks: { path: () => '/tasks', shows: 'example.fail' },
  task: { path: () => `/tasks/${failed}`, shows: 'Next steps' },
  workflow: { path: () => `/tasks/${workflow}`, shows: 'Workflow of' },
  'no task': {
    path: () => `/tasks/${failed.replace(/.$/, (last) => (last === '0' ? '1' : '0'))}`,
    shows: 'There is no such task',
  },
  errors: { path: () => '/errors', shows: 'example.fail' },
  error: { path: () => `/errors/${encodeURIComponent(group)}`, shows: 'What is known' },
  queues: { path: () => '/queues', shows: 'paused' },
  runners: { path: () => '/runners', shows: '1 live runner' },
  callbacks: { path: () => '/callbacks', shows: 'every URL receives' },
  audit: { path: () => '/audit', shows: 'pause' },
  limits: { path: () => '/limits', shows: 'example.printer' },
  limit: { path: () => '/limits/example.printer', shows: 'Busiest keys' },
  'no limit': { path: () => '/limits/example.nothing', shows: 'There is no such limit' },
  schedules: { path: () => '/schedules', shows: 'example.morning' },
  schedule: { path: () => '/schedules/example.morning', shows: 'Next times' },
  'new schedule': { path: () => '/schedules/new?task=http.request', shows: 'cron' },
  'edit schedule': { path: () => '/schedules/example.morning/edit', shows: 'at 07:30' },
  submit: { path: () => '/submit?name=http.request', shows: 'Payload' },
  resubmit: { path: () => `/submit?from=${failed}`, shows: 'Replace the failed task' },
  'not found': { path: () => '/nowhere', shows: 'There is no such page' },
};
const LOOKS: Record<string, Opening> = {
  light: {},
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 380, height: 780 }, hasTouch: true, isMobile: true },
};

describe.each(Object.keys(LOOKS))('%s', (look) => {
  test.each(Object.keys(PAGES))(
    'the page %s is readable by all, and hostile text stays text',
    async (name) => {
      const { path = () => '', shows = '' } = PAGES[name] ?? {};
      const { page, complaints, shot, findings } = await open(path(), LOOKS[look]);
      await page.locator('main').getByText(shows).filter({ visible: true }).first().waitFor();
      await until('nothing loads', async () => (await page.locator('.loading').count()) === 0);
      await shot(`${name.replace(' ', '_')}_${look}`);
      expect(await findings()).toEqual([]);
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(overflow).toBe(0);
      expect(await page.title()).not.toBe('owned');
      expect(await page.locator('img').count()).toBe(0);
      expect(complaints.filter((one) => !name.startsWith('no ') || !one.includes('status of 404'))).toEqual(
        [],
      );
      await page.context().close();
    },
  );
});
