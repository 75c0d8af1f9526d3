import { afterAll, expect, test } from 'vitest';
import { cpuOf, lookAt, startBrowser } from '../../../bench/dashboard/browser.ts';
import { openErrand } from '../../../bench/dashboard/errand.ts';
import { goalsOf } from '../../../bench/dashboard/section.ts';
import { judge } from '../../../bench/goals.ts';
import { buildDashboard } from '../../support/build_dashboard.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

// The dashboards of others come from a registry, so they are measured by `npm run bench` alone.

buildDashboard();
const { server, made, dropped } = watchedServer(await benchServerOfTests(), async () => {});
const site = await openErrand(server, 300);
const browser = await startBrowser();
afterAll(async () => {
  await browser.close();
  await site.close();
  expect([made().length, dropped]).toEqual([1, made()]);
});

test('a look lasts until the data are shown, and counts what came and what was computed', async () => {
  for (const { url, shown } of [site.first, site.list]) {
    const { ms, bytes, cpuMs } = await lookAt(browser, url, shown);
    expect(ms).toBeGreaterThan(0);
    // With all that is loaded: the goal is at most 150 KB.
    expect([bytes > 20_000, bytes <= 150_000], `${bytes} bytes`).toEqual([true, true]);
    expect(cpuMs).toBeGreaterThan(0);
  }
});

test('the CPU is that of a page which follows the changes, and one that does not is an error', async () => {
  const { url, shown } = site.list;
  const cores = await cpuOf(browser, url, shown, async () => {
    await site.change(100, 6);
    return true;
  });
  expect(cores).toBeGreaterThan(0);
  const nothing = cpuOf(browser, url, shown, async () => true);
  await expect(nothing).rejects.toThrow('has not followed the changes');
});

test('the ratio to each of the others is the goal', () => {
  const looks = (ms: number) => [
    { first: { ms, bytes: 1_000, cpuMs: ms }, list: { ms, bytes: 2_000, cpuMs: ms } },
  ];
  const goals = goalsOf([
    { name: 'Errand', looks: looks(100) },
    { name: 'slow', looks: looks(250) },
    { name: 'fast', looks: looks(150) },
  ]);
  const judged = goals.map((goal) => [goal.what, goal.peer?.name, judge(goal).isReached]);
  expect(judged).toContainEqual(['first page is interactive', 'slow', true]);
  expect(judged).toContainEqual(['list of finished jobs is interactive', 'fast', false]);
  expect(judged).toContainEqual(['list of finished jobs', undefined, true]);
});
