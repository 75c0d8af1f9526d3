import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { type Dashboard, startDashboard } from './dashboard.ts';

// The keyboard alone (specification U8) in a real Chromium: on every page each control is reached by Tab and visibly
// has the focus, and the flows of an operator work without a mouse.

const { api, submit, open }: Dashboard = await startDashboard();
const known: Record<string, string> = {};

beforeAll(async () => {
  known.failed = await submit(
    'example.fail',
    { times: 9, message: 'the card was declined' },
    { max_attempts: 1 },
  );
  known.workflow = await submit('example.mixed', { number: 4 });
  await submit('example.echo', { message: 'a' });
  await api.call('PUT', '/v1/schedules/example.hourly', {
    ...{ task: 'example.echo', payload: { message: 'a' }, cron: '0 * * * *' },
  });
  await until('they have ended', async () => {
    const { body } = await api.call('GET', '/v1/tasks?state=failed&state=succeeded&top_level=true');
    return body.total === 3;
  });
  known.group = encodeURIComponent((await api.call('GET', '/v1/errors')).body.groups[0].error_group);
});

const filled = (path: string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => known[name] ?? '');

/** Marks each control that can be seen, and gives their number. Runs in the page. */
const MARK = `(() => {
  const all = document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]');
  const seen = [...all].filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled);
  seen.forEach((one, index) => one.setAttribute('data-mark', String(index)));
  return seen.length;
})()`;

/** What has the focus: its mark, and whether its outline or the like shows it. Runs in the page. */
const FOCUS = `(() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const { width, height } = one.getBoundingClientRect();
  return {
    mark: one.getAttribute('data-mark'),
    text: (one.textContent || one.getAttribute('aria-label') || one.tagName).trim().slice(0, 40),
    isShown: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none',
    isThere: width > 0 && height > 0,
  };
})()`;
type Focus = { mark: string | null; text: string; isShown: boolean; isThere: boolean };

const PAGES = [
  '/',
  '/tasks',
  '/tasks/{failed}',
  '/tasks/{workflow}',
  '/errors',
  '/errors/{group}',
  '/queues',
];
const OTHERS = ['/runners', '/schedules', '/schedules/example.hourly', '/schedules/example.hourly/edit'];

test.each([...PAGES, ...OTHERS, '/callbacks', '/audit', '/submit?name=http.request', '/nowhere'])(
  'on the page %s each control is reached by Tab, and shows that it has the focus',
  async (path) => {
    const { page } = await open(filled(path));
    await page.locator('main h1').waitFor();
    await until('nothing loads', async () => (await page.locator('.loading').count()) === 0);
    // The pages would read again, and replace what is marked.
    const held = page.getByRole('button', { name: 'Live', exact: true });
    if ((await held.count()) > 0) await held.click();
    await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
    const total = (await page.evaluate(MARK)) as number;
    expect(total).toBeGreaterThan(10);
    const reached = new Set<string>();
    const hidden: string[] = [];
    for (let step = 0; step < total + 20 && reached.size < total; step++) {
      await page.keyboard.press('Tab');
      const { mark, text, isShown, isThere } = (await page.evaluate(FOCUS)) as Focus;
      if (mark === null) continue;
      reached.add(mark);
      if (!isShown || !isThere) hidden.push(text);
    }
    const missed = (await page.evaluate(
      `[...document.querySelectorAll('[data-mark]')].filter((one) => !${JSON.stringify([...reached])}.includes(one.dataset.mark)).map((one) => one.outerHTML.slice(0, 120))`,
    )) as string[];
    expect({ missed, hidden }).toEqual({ missed: [], hidden: [] });
    await page.context().close();
  },
);

/** Presses Tab until the control with this text or label has the focus. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const wanted = page
    .getByRole('button', { name })
    .or(page.getByRole('link', { name }))
    .or(page.getByLabel(name));
  for (let step = 0; step < 80; step++) {
    await page.keyboard.press('Tab');
    const has = wanted.and(page.locator(':focus'));
    if ((await has.count()) > 0) return;
  }
  throw new Error(`80 times Tab did not reach ${String(name)}`);
}

test('from the first page to a retried task with a reason, and back to where the focus was', async () => {
  const { page, complaints } = await open('/');
  await page.locator('main h1').waitFor();
  await tabTo(page, 'Skip to the content');
  await page.keyboard.press('Enter');
  await tabTo(page, /the card was declined/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'What is known' }).waitFor();
  // The heading of the new page has the focus, so a reader of the screen hears where the link has led.
  expect(await page.locator('h1:focus').count()).toBe(1);
  await tabTo(page, /^example\.\W?fail/);
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Explanation' }).waitFor();
  await tabTo(page, 'Dismiss');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await until('it is closed', async () => (await dialog.count()) === 0);
  expect(await page.locator(':focus').textContent()).toBe('Dismiss');
  await page.keyboard.press('Enter');
  await tabTo(page, /^Reason/);
  await page.keyboard.type('paid by phone');
  await page.keyboard.press('Enter');
  await page.locator('.task-lead .tag', { hasText: 'dismissed' }).waitFor();
  expect(complaints).toEqual([]);
});

test('the focus stays in a dialog', async () => {
  const { page } = await open('/queues');
  await tabTo(page, 'Pause example.echo');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  for (let step = 0; step < 12; step++) {
    await page.keyboard.press('Tab');
    const isOutside = await page.evaluate(
      `document.activeElement !== document.body && document.activeElement.closest('dialog') === null`,
    );
    expect(isOutside).toBe(false);
  }
});

test('a task is submitted, and a schedule changed, without a mouse', async () => {
  const { page } = await open('/submit?name=example.echo');
  await tabTo(page, /^message/);
  await page.keyboard.type('typed');
  await tabTo(page, 'Submit');
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Result' }).getByText('typed').waitFor();
  await page.goto(`${api.url}/ui/schedules/example.hourly/edit`);
  await tabTo(page, /^cron/);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('45 * * * *');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Next times' }).waitFor();
  expect((await api.call('GET', '/v1/schedules/example.hourly')).body.settings.cron).toBe('45 * * * *');
});
