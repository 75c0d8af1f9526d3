import { expect, test } from 'vitest';
import { watchLoopDelay } from '../../../../runner/execute/loop_delay.ts';
import { listRunners } from '../../../../store/attempts/runners.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { until } from '../../../support/until.ts';

// How late the event loop of a runner is (specification U6).

const { pool } = await createDatabase();

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('a runner reports with its heartbeats how late its event loop is', async () => {
  await startTestRunner(pool, { leaseSecs: 0.9 });
  const delay = async (): Promise<number> => (await listRunners(pool))[0]?.event_loop_delay_ms ?? -1;
  await until('it has reported', async () => (await delay()) >= 0);
  await until('it has reported the delay', async () => {
    block(250);
    return (await delay()) > 150;
  });
});

test('the delay is that of the loop, without the time between two looks', async () => {
  const watch = watchLoopDelay();
  await until('a block is seen', async () => {
    block(120);
    return watch.ms() > 80;
  });
  expect(watch.ms()).toBeLessThan(60_000);
  watch.close();
});
