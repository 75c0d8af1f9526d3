import { expect, test } from 'vitest';
import { addLines, setState, taskWithLines } from '../../fast/api/streams/streaming.ts';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// The log of a task as it is written (specification U3), in a real Chromium. No runner: the test writes the lines.

const { pool, open } = await startDashboard({ runner: false });

test('the log shows each line once as it comes, and says when it has ended', async () => {
  const id = await taskWithLines(pool, 3, { state: 'running' });
  const { page, complaints, shot, findings } = await open(`/tasks/${id}`);
  const lines = page.getByRole('list', { name: 'Lines' }).locator('li');
  await until('the lines that were there', async () => (await lines.count()) === 3);
  await addLines(pool, id, 4, 40);
  await until('the lines that came', async () => (await lines.count()) === 40);
  const texts = await lines.allTextContents();
  expect(texts.map((text) => Number(/info (\d+)/.exec(text)?.[1]))).toEqual(
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
  await shot('log');
  expect(await findings()).toEqual([]);
  await setState(pool, id, 'succeeded');
  await page.getByText('The end', { exact: true }).waitFor();
  expect(await lines.count()).toBe(40);
  expect(complaints).toEqual([]);
});
