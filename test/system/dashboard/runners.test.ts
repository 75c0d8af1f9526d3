import { expect, test } from 'vitest';
import { registerRunner } from '../../../store/attempts/runners.ts';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// The runners (specification U6) in a real Chromium: slots, event loops, and at a deployment the versions side by side.

const { pool, open } = await startDashboard();
const VERSIONS = { 'example.echo': '0.9.0' };

test('the event loop of a real runner, and versions beside those that wait', async () => {
  const { page, complaints, shot, findings } = await open('/runners');
  const row = page.locator('tbody tr').first();
  await row.getByText(/ late$/).waitFor();
  expect(await page.getByRole('region', { name: 'Versions side by side' }).count()).toBe(0);
  const id = await registerRunner(pool, {
    ...{ host: 'worker-2', pid: 7, version: '0.1.0', concurrency: 4, leaseSecs: 3_600 },
    ...{ taskNames: Object.keys(VERSIONS), taskVersions: VERSIONS },
  });
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select 'example.echo', '9.0.0', 'queued', 0, 3, now(), '{"message":"later"}' from generate_series(1, 3)`,
  );
  await pool.query(
    `update errand.runners set event_loop_delay_ms = 1500, blocked_since = now() - interval '9 seconds' where id = $1`,
    [id],
  );
  const versions = page.getByRole('region', { name: 'Versions side by side' });
  await versions.getByText('newer than every runner').waitFor();
  const rows = versions.locator('tbody tr');
  const texts = (await rows.allTextContents()).map((text) => text.replaceAll(/\s+/g, ' '));
  expect(texts[0]).toMatch(/^example\.echo ?9\.0\.0 ?none ?3/);
  expect(texts[2]).toMatch(/^example\.echo ?0\.9\.0 ?1 runner ?0$/);
  await page.getByText('1.5 s late').waitFor();
  await page.getByText('its event loop stands').waitFor();
  await shot('runners_deployment');
  expect(await findings()).toEqual([]);
  await pool.query(`delete from errand.tasks where version = '9.0.0'`);
  await pool.query(`update errand.runners set ended_at = now(), end_reason = 'stopped' where id = $1`, [id]);
  await until('the deployment is over', async () => (await versions.count()) === 0);
  expect(complaints).toEqual([]);
});
