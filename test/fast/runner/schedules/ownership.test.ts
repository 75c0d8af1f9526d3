import { describe, expect, test } from 'vitest';
import { endRunner } from '../../../../store/attempts/runners.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { readSchedule, storeSchedule } from '../../../support/schedules.ts';
import { codeRunners, owned, schedule, task } from './code_runner.ts';

const { pool } = await createDatabase();
const runners = codeRunners(pool);

/** Whether a statement has written the row since. */
const revision = async (id: string): Promise<number> => (await readSchedule(pool, id)).revision;

describe('which settings win', () => {
  test('those of the newest start, and after it has ended those of the newest that is left', async () => {
    const old = await runners.start([schedule({ id: 'mail.nightly', priority: 1 })]);
    const newer = await runners.start([schedule({ id: 'mail.nightly', priority: 2 })]);
    const priority = async (): Promise<unknown> => {
      const { rows } = await pool.query(`select submission -> 'priority' as priority from errand.schedules`);
      return rows[0]?.priority;
    };
    expect(await priority()).toBe(2);
    await old.registration.keep(old.id);
    expect(await priority()).toBe(2);
    await newer.end();
    await old.registration.keep(old.id);
    expect(await priority()).toBe(1);
  });

  test('a schedule of the API with the same id stays: the log names the remedy, once', async () => {
    await storeSchedule(pool, { id: 'mail.nightly' });
    const { registration, id } = await runners.start([
      schedule({ id: 'mail.nightly' }),
      schedule({ id: 'mail.b' }),
    ]);
    await registration.keep(id);
    const { rows } = await pool.query('select id, origin, revision from errand.schedules order by id');
    expect(rows).toEqual([
      { id: 'mail.b', origin: 'code', revision: 1 },
      { id: 'mail.nightly', origin: 'api', revision: 1 },
    ]);
    expect(runners.lines().filter((line) => line.includes('DELETE /v1/schedules/mail.nightly'))).toHaveLength(
      1,
    );
    await pool.query(`delete from errand.schedules where origin = 'api'`);
    await registration.keep(id);
    expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({ origin: 'code' });
  });

  test('that of another live repository is refused, and both are named; one that has ended is taken over', async () => {
    const theirs = await runners.start([schedule({ id: 'mail.nightly' })], { project: 'storefront' });
    const starting = runners.start([schedule({ id: 'mail.nightly', priority: 1 })]);
    await expect(starting).rejects.toThrow(
      /These schedules of shop belong to another repository:\n {2}mail\.nightly: here it is in \S+code_runner\.ts, but storefront has it, too \(runner \d+ on here\)\nRename/,
    );
    expect(await revision('mail.nightly')).toBe(1);
    await theirs.end();
    await runners.start([schedule({ id: 'mail.nightly', priority: 1 })]);
    expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({ owner: 'shop', revision: 2 });
  });
});

describe('what is removed', () => {
  test('a schedule that no runner of its repository has in its code any more', async () => {
    const old = await runners.start([schedule({ id: 'mail.a' }), schedule({ id: 'mail.b' })]);
    await storeSchedule(pool, { id: 'mail.of_api' });
    await runners.start([schedule({ id: 'mail.other' })], { project: 'storefront' });
    const newer = await runners.start([schedule({ id: 'mail.b' })]);
    // The old one may still go on for hours: a rolling deployment.
    expect(await runners.ids()).toEqual(['mail.a', 'mail.b', 'mail.of_api', 'mail.other']);
    await endRunner(pool, old.id);
    await newer.registration.keep(newer.id);
    expect(await runners.ids()).toEqual(['mail.b', 'mail.of_api', 'mail.other']);
  });

  test('at once when the last runner that has it ends, but nothing if no runner is left', async () => {
    const old = await runners.start([schedule({ id: 'mail.a' })]);
    const newer = await runners.start([schedule({ id: 'mail.b' })]);
    await old.end();
    expect(await runners.ids()).toEqual(['mail.b']);
    await newer.end();
    expect(await runners.ids()).toEqual(['mail.b']);
  });

  test('a project that has no schedules any more removes its last ones', async () => {
    const old = await runners.start([schedule({ id: 'mail.a' })]);
    await runners.start([]);
    await old.end();
    expect(await runners.ids()).toEqual([]);
  });

  test('a runner whose heartbeat is late still counts: it may be back in a moment', async () => {
    const old = await runners.start([schedule({ id: 'mail.a' })]);
    await pool.query(`update errand.runners set heartbeat_at = now() - interval '1 hour' where id = $1`, [
      old.id,
    ]);
    await runners.start([]);
    expect(await runners.ids()).toEqual(['mail.a']);
  });
});

test('a runner lists its schedules, registers them at its start, and is gone if it cannot', async () => {
  const registeredHandlers = new Map([registeredHandler(task, () => 'done')]);
  const one = schedule({ id: 'mail.nightly' });
  const runner = await startTestRunner(pool, {
    registeredHandlers,
    schedules: [one],
    ownership: owned('shop'),
  });
  const { rows } = await pool.query('select schedules from errand.runners where id = $1', [runner.id]);
  expect(rows).toEqual([{ schedules: ['mail.nightly'] }]);
  expect(await runners.ids()).toEqual(['mail.nightly']);
  const other = { registeredHandlers, schedules: [one], ownership: owned('storefront') };
  await expect(startTestRunner(pool, other)).rejects.toThrow('belong to another repository');
  const live = await pool.query('select id from errand.runners where ended_at is null');
  expect(live.rows).toEqual([{ id: runner.id }]);
});

test('a runner that stops takes the schedules along that only its code had', async () => {
  const registeredHandlers = new Map([registeredHandler(task, () => 'done')]);
  const base = { registeredHandlers, ownership: owned('shop') };
  const old = await startTestRunner(pool, { ...base, schedules: [schedule({ id: 'mail.old' })] });
  await startTestRunner(pool, { ...base, schedules: [schedule({ id: 'mail.new' })] });
  await old.stop();
  expect(await runners.ids()).toEqual(['mail.new']);
});
