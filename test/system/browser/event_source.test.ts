import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { freePort } from '../../../embedded/ports.ts';
import { addLines, setState, taskWithLines, upTo } from '../../fast/api/streams/streaming.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess, type TestProcess } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { startChromium } from './chromium.ts';

// The EventSource of a real Chromium, which gives up for good after any status but 200, over a real process of the API.

const { pool, url: databaseUrl } = await createDatabase();
const browser = await startChromium();
const API = 'api/main.ts';
/** Chromium opens six connections to one server per context, and each stream takes one. */
const PAGES = 3;
const SOURCES = 4;

type Watched = { lines: number[]; opened: number; gaveUp: boolean };

/** A page with EventSources on the lines of a task, which nobody ever closes. */
async function pageWithSources(api: TestProcess, id: string, count: number): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  // Any page of the same origin, the smallest there is.
  await page.goto(`${api.url}/live`);
  await page.evaluate(
    ([path, sources]) => {
      const all = Array.from({ length: Number(sources) }, () => {
        const source = new EventSource(String(path));
        const watched: Watched = { lines: [], opened: 0, gaveUp: false };
        source.addEventListener('open', () => watched.opened++);
        source.addEventListener('line', (event) => {
          watched.lines.push(JSON.parse((event as MessageEvent).data).seq);
        });
        source.addEventListener('error', () => {
          watched.gaveUp = source.readyState === EventSource.CLOSED;
        });
        return watched;
      });
      Object.assign(globalThis, { watched: all });
    },
    [`/v1/tasks/${id}/logs`, String(count)],
  );
  return page;
}

const watchedOf = (page: Page): Promise<Watched[]> =>
  page.evaluate(() => (globalThis as unknown as { watched: Watched[] }).watched);

test('F23: all EventSources come back after the one API process got SIGTERM, and then SIGKILL, and was started again, and miss no line', async () => {
  const port = String(await freePort('127.0.0.1'));
  const start = (): Promise<TestProcess> => startProcess(API, databaseUrl, { SERVER_PORT: port });
  let api = await start();
  const id = await taskWithLines(pool, 1, { state: 'running' });
  const pages = await Promise.all(Array.from({ length: PAGES }, () => pageWithSources(api, id, SOURCES)));
  for (const [last, signal] of [[1], [2, 'SIGTERM'], [3, 'SIGKILL']] as const) {
    if (signal !== undefined) {
      api.child.kill(signal);
      await api.exited;
      await addLines(pool, id, last, last);
      api = await start();
    }
    const all = await until(`all have line ${last}, or gave up`, async () => {
      const watched = (await Promise.all(pages.map(watchedOf))).flat();
      return watched.every(({ lines, gaveUp }) => gaveUp || lines.includes(last)) && watched;
    });
    expect(all.filter(({ gaveUp }) => gaveUp)).toEqual([]);
    expect(all.map(({ lines }) => lines)).toEqual(all.map(() => upTo(last)));
  }
  await Promise.all(pages.map((page) => page.context().close()));
});

test('an EventSource that nobody closes stays away after the end', async () => {
  const api = await startProcess(API, databaseUrl);
  const id = await taskWithLines(pool, 2, { state: 'running' });
  const page = await pageWithSources(api, id, 2);
  await until('they are open', async () => (await watchedOf(page)).every(({ opened }) => opened === 1));
  await setState(pool, id, 'succeeded');
  await until('they stay away', async () => (await watchedOf(page)).every(({ gaveUp }) => gaveUp));
  expect(await watchedOf(page)).toEqual([1, 2].map(() => ({ lines: [1, 2], opened: 1, gaveUp: true })));
});
