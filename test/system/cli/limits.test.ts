import { expect, test } from 'vitest';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { limited, withPolicy } from '../../fast/limits/limited.ts';
import { startPool } from './errand.ts';

// No runner is up, so nothing starts meanwhile.

const { api, pool, errand, json } = await startPool();
await registerDefinitions(pool, [
  limited('office.print', 2),
  limited('office.mail', { limit: 1, key: () => 'k' }),
  withPolicy('office.fax', { rate: { limit: 10, periodSeconds: 60, burst: 5 } }),
]);
await pool.query(`
  insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
  select gen_random_uuid(), 'office.mail:key', key, 'office.mail', '1', 0, now() - interval '5 min', 0, now() - interval '5 min', gen_random_uuid()
    from (values ('acme'), ('acme'), (e'\\e[31mred\\nline')) k (key)`);

test('errand limits list shows values, what is used and what waits; its filters are those of the API', async () => {
  const { code, stdout } = await errand('limits list');
  expect(code).toBe(0);
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s{2,}/));
  expect(rows[0]).toEqual(['LIMIT', 'VALUE', 'STATE', 'USED', 'WAITING', 'OLDEST', 'NOTE']);
  expect(rows).toContainEqual(['office.fax:rate', '10 in 1 min', 'open', '0', '0', '-']);
  expect(rows).toContainEqual(['office.mail:key', '1 per key', 'open', '0', '3', '5m']);
  expect(rows).toContainEqual(['office.print', '2', 'open', '0', '0', '-']);
  expect((await errand('limits list --waiting -q')).stdout).toBe('office.mail:key\n');
  expect((await json('limits list --namespace office -n 1')).has_more).toBe(true);
  expect(await errand('limits list --paused')).toMatchObject({ code: 0, stdout: '' });
});

test('errand limits set, pause, resume and reset say what they did, and are audited with the reason', async () => {
  const done = async (line: string | string[]) => (await errand(line)).stdout;
  expect(await done(['limits', 'set', 'office.print', '5', '--reason', 'a second tray'])).toBe(
    'office.print is 5 (declared: 2)\n',
  );
  expect(await done('limits pause office.print --reason empty')).toBe(
    'office.print is 5 (declared: 2), and is paused: nothing starts under it until it is resumed\n',
  );
  expect((await errand('limits list')).stdout).toMatch(
    /office\.print +5 +paused .*paused, declared: 2 by \S+: empty/,
  );
  expect(await done('limits resume office.print')).toBe('office.print is 5 (declared: 2)\n');
  expect(await done('limits set office.print none')).toBe('office.print has no limit (declared: 2)\n');
  expect(await json('limits set office.print 3')).toMatchObject({ changed: true, limit: { limit: 3 } });
  expect(await done('limits reset office.print')).toBe(
    'office.print is what its definitions declare again: 2\n',
  );
  expect(await done('limits reset office.print')).toBe('Nothing was set for office.print\n');
  const { body } = await api.call('GET', '/v1/audit?action=set_limit');
  expect(body.entries.at(-1)).toMatchObject({ target: 'office.print', reason: 'a second tray' });
});

test('errand limits show prints a limit with its keys and tasks, without what terminals would obey', async () => {
  const { stdout } = await errand('limits show office.mail:key');
  expect(stdout).toMatch(/Value +1 per key/);
  expect(stdout).toMatch(/Busiest keys/);
  expect(stdout).toMatch(/acme +0 +- +2 +5m/);
  expect(stdout).not.toContain('\u001b[31m');
  expect(stdout).toMatch(/Tasks that wait\n/);
  expect((await errand('limits show office.mail:key --key acme')).stdout).not.toContain('line');
  expect((await errand('limits show office.fax:rate')).stdout).toMatch(/Burst +5 in 30 s/);
  expect(await json('limits show office.mail:key')).toMatchObject({ waiters: 3, keys_is_capped: false });
});

test('wrong usage and unknown limits end with their codes and say what to do', async () => {
  for (const value of ['0', '-1', 'many', '100001', '1.5'])
    expect(await errand(['limits', 'set', '--', 'office.print', value])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('It must be an integer from 1 to 100000, or none'),
    });
  const unknown = await errand('limits pause office.nothing');
  expect(unknown.code).not.toBe(0);
  expect(unknown.stderr).toContain('No definition has the limit office.nothing: see errand limits list');
});
