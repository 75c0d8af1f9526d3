import { expect, test } from 'vitest';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { limited, withPolicy } from '../../fast/limits/limited.ts';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// The page of limits (specification U6, Q7) in a real Chromium, operated as a person does it.

const { api, pool, open } = await startDashboard({ runner: false });
await registerDefinitions(pool, [
  limited('office.print', 2),
  limited('office.mail', { limit: 1, key: () => 'k' }),
  withPolicy('office.fax', { rate: { limit: 10, periodSeconds: 60 } }),
]);
await pool.query(`
  insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
  select gen_random_uuid(), 'office.mail:key', key, 'office.mail', '1', 0, now(), 0, now(), gen_random_uuid()
    from (values ('acme'), ('acme'), ('other')) k (key)`);

const limitOf = async (name: string) => (await api.call('GET', `/v1/limits/${name}`)).body;

test('the list leads to a limit, whose value is set with a reason, and what is no value is refused in place', async () => {
  const { page, complaints } = await open('/limits');
  await page.getByRole('link', { name: 'office.print' }).click();
  await page.getByRole('heading', { name: 'office.print' }).waitFor();
  await page.getByRole('button', { name: 'Set office.print' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Value').fill('many');
  await dialog.getByRole('button', { name: 'Set' }).click();
  await dialog.getByRole('alert').waitFor();
  expect(await limitOf('office.print')).toMatchObject({ limit: 2, setting: null });
  await dialog.getByLabel('Value').fill('5');
  await dialog.getByLabel(/^Reason/).fill('a second tray');
  await dialog.getByRole('button', { name: 'Set' }).click();
  await page.getByText('office.print is 5 (declared: 2)').waitFor();
  await page.getByText('a second tray').waitFor();
  expect(await limitOf('office.print')).toMatchObject({ limit: 5, setting: { reason: 'a second tray' } });
  expect(complaints.filter((one) => !one.includes('status of 400'))).toEqual([]);
  await page.context().close();
});

test('it is paused, resumed, set to no limit and reset, and the list shows it', async () => {
  const { page, complaints } = await open('/limits');
  const act = async (name: string, value?: string) => {
    await page.getByRole('button', { name: `${name} office.print`, exact: true }).click();
    const dialog = page.getByRole('dialog');
    if (value !== undefined) await dialog.getByLabel('Value').fill(value);
    await dialog.getByRole('button', { name, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await act('Pause');
  await page.getByText('paused', { exact: true }).nth(1).waitFor();
  expect(await limitOf('office.print')).toMatchObject({ paused: true });
  await act('Resume');
  await act('Set', 'none');
  await page.getByText('no limit instead of 2').waitFor();
  await act('Reset');
  await until('it is reset', async () => (await limitOf('office.print')).setting === null);
  await page.getByText('no limit instead of 2').waitFor({ state: 'detached' });
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('a limit with keys shows the busiest ones, one of them by its name, and a rate its period', async () => {
  const { page } = await open('/limits/office.mail%3Akey');
  await page.getByText('1 for each key').first().waitFor();
  const keys = page.getByRole('group', { name: 'Busiest keys' });
  expect(await keys.getByRole('row').allInnerTexts()).toEqual([
    expect.stringContaining('Key'),
    expect.stringMatching(/^acme\s+0\s+2/),
    expect.stringMatching(/^other\s+0\s+1/),
  ]);
  await page.getByLabel('Only the key').fill('other');
  await until('one key is shown', async () => (await keys.getByRole('row').count()) === 2);
  await page.goto(`${api.url}/ui/limits/office.fax%3Arate`);
  await page
    .getByText(/^10 in 1 m/)
    .first()
    .waitFor();
  await page.context().close();
});

test('the list has the filters of the API', async () => {
  const { page } = await open('/limits?waiting=true');
  await page.getByRole('link', { name: 'office.mail:key' }).waitFor();
  expect(await page.getByRole('link', { name: 'office.print' }).count()).toBe(0);
  await page.getByRole('button', { name: 'paused', exact: true }).click();
  await page.getByText('No limit is paused').waitFor();
  await page.context().close();
});
