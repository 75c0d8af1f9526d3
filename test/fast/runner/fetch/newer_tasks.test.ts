import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { requeue } from '../../../../store/attempts/dispatches.ts';
import { dispatchLost, dropStaleDispatches } from '../../../../store/attempts/reconcile.ts';
import { getTask } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { cancelTask } from '../../../support/operator.ts';
import { pause, resume } from '../../../support/pauses.ts';
import { finished, outcomes, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { dispatches, knows, startNoting } from '../pausable.ts';

const { pool } = await createDatabase();

/** One of a version, and several at once, which share a dispatch. */
const of = (name: string, version: string) => ({ name, version, payload: {} });

/** Waits until all dispatches of this version are left, and none is in hand. */
function lie(name: string, version: string, count = 1) {
  return until(`${count} dispatches of ${name} wait for ${version}`, async () => {
    const waiting = await dispatches(pool, `${name}@${version}`);
    return waiting.length === count && waiting.every(({ is_locked }) => !is_locked) && waiting;
  });
}

const untouched = {
  ...{ state: 'queued', attempt: 1, started_at: null, runner_id: null, crashes: 0, error: null },
};

describe('a task that is newer than the definition of a runner', () => {
  test('is left, at no cost to it, and the tasks beside it in its dispatch are not', async () => {
    const { started } = await startNoting(pool, ['one.mixed']);
    const tasks = await submit(
      pool,
      ...['1.0.0', '2.0.0', '0.9.0', '1.0.1', '2.0.0'].map((version) => of('one.mixed', version)),
    );
    const ids = tasks.map(({ id }) => id);
    await Promise.all([lie('one.mixed', '2.0.0'), lie('one.mixed', '1.0.1')]);
    const own = [ids[0], ids[2]];
    for (const id of own) expect(await finished(pool, String(id))).toMatchObject({ state: 'succeeded' });
    // Later ones have been executed meanwhile, so it was not merely late.
    const later = await submitOne(pool, of('one.mixed', '1.0.0'));
    await finished(pool, later.id);
    expect(started.sort()).toEqual([...own, later.id].sort());
    for (const id of [ids[1], ids[3], ids[4]]) {
      const { rows } = await pool.query(
        'select state, attempt, started_at, runner_id, crashes, error from errand.tasks where id = $1',
        [id],
      );
      expect(rows).toEqual([untouched]);
      expect(await outcomes(pool, String(id))).toEqual([]);
    }
    // Nobody has fetched them since they were left.
    expect(await dispatches(pool, 'one.mixed@2.0.0')).toMatchObject([{ attempts: 0 }]);
    expect(await dispatches(pool, 'one.mixed@1.0.1')).toMatchObject([{ attempts: 0 }]);

    const newer = await startNoting(pool, ['one.mixed'], () => 'new', { version: '1.1.0' });
    expect(await finished(pool, String(ids[3]))).toMatchObject({
      state: 'succeeded',
      result: 'new',
      attempt: 1,
    });
    expect(newer.started).toEqual([ids[3]]);
    const newest = await startNoting(pool, ['one.mixed'], () => 'newest', { version: '2.0.0' });
    for (const id of [ids[1], ids[4]])
      expect(await finished(pool, String(id))).toMatchObject({
        state: 'succeeded',
        result: 'newest',
        attempt: 1,
      });
    expect(newest.started.sort()).toEqual([ids[1], ids[4]].sort());
  });

  test('begins at once in a newer runner that is there already, which hears of it', async () => {
    // Its next heartbeat is minutes away.
    const newer = await startNoting(pool, ['two.x'], () => 'new', { version: '2.0.0' });
    // So that it does not fetch the dispatch itself.
    await pause(pool, 'two.x');
    await knows(newer.runner, 'two', ['two.x']);
    const { id } = await submitOne(pool, of('two.x', '1.5.0'));
    const [plain] = await dispatches(pool, 'two.x');
    const tasks = [{ id, dispatchId: randomUUID(), needs: '1.5.0' }];
    await requeue(pool, newer.runner.id, { key: String(plain?.key), tasks });
    await resume(pool, 'two.x');
    expect(await finished(pool, id)).toMatchObject({ result: 'new', attempt: 1 });
  });

  test('begins after a heartbeat when the notification was lost', async () => {
    const newer = await startNoting(pool, ['three.x'], () => 'new', { version: '2.0.0', leaseSecs: 3 });
    await pause(pool, 'three.x');
    await knows(newer.runner, 'three', ['three.x']);
    const { id } = await submitOne(pool, of('three.x', '1.5.0'));
    // As an older runner would have left it, and nobody was told.
    await pool.query(`
      with named as (insert into errand_worker._private_tasks (identifier) values ('three.x@1.5.0') returning id)
      update errand_worker._private_jobs job
         set task_id = named.id
        from named, errand_worker._private_tasks plain
       where plain.id = job.task_id and plain.identifier = 'three.x'`);
    await resume(pool, 'three.x');
    expect(await finished(pool, id)).toMatchObject({ result: 'new', attempt: 1 });
  });

  test('is begun by no runner while its name is paused', async () => {
    await startNoting(pool, ['four.x']);
    const { id } = await submitOne(pool, of('four.x', '2.0.0'));
    await lie('four.x', '2.0.0');
    await pause(pool, 'four.x');
    const newer = await startNoting(pool, ['four.x', 'four.y'], () => 'new', { version: '2.0.0' });
    const other = await submitOne(pool, of('four.y', '2.0.0'));
    await finished(pool, other.id);
    expect(newer.started).toEqual([other.id]);
    expect(await dispatches(pool, 'four.x@2.0.0')).toMatchObject([{ attempts: 0 }]);
    await resume(pool, 'four.x');
    expect(await finished(pool, id)).toMatchObject({ result: 'new' });
  });

  test('is left again when its dispatch was lost and another was made', async () => {
    await startNoting(pool, ['five.x']);
    await pool.query(
      `insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy)
       values ('five.x', 'five', '1.0.0', '', '{}', '{}')`,
    );
    const { id } = await submitOne(pool, { ...of('five.x', '2.0.0'), runAt: '2020-01-01T00:00:00.000Z' });
    const [lost] = await lie('five.x', '2.0.0');
    await pool.query(`select errand_worker.remove_job($1)`, [lost?.key]);
    expect(await dispatchLost(pool)).toMatchObject({ dispatched: 1 });
    const [again] = await lie('five.x', '2.0.0');
    expect(again).toMatchObject({ attempts: 0 });
    expect(again?.key).not.toBe(lost?.key);
    expect(await getTask(pool, id)).toMatchObject({ state: 'queued', attempt: 1 });
  });

  test('leaves no dispatch behind when it is cancelled, though nobody fetches that', async () => {
    await startNoting(pool, ['six.x']);
    const { id } = await submitOne(pool, of('six.x', '2.0.0'));
    await lie('six.x', '2.0.0');
    await cancelTask(pool, id);
    expect(await getTask(pool, id)).toMatchObject({ state: 'cancelled' });
    await dropStaleDispatches(pool);
    expect(await dispatches(pool, 'six.x@2.0.0')).toEqual([]);
  });

  test('is left by a name that is too long to be followed by a version', async () => {
    const name = `seven.${'x'.repeat(120)}` as const;
    await startNoting(pool, [name]);
    const { id } = await submitOne(pool, of(name, '2.0.0'));
    await until('it was left', async () => (await dispatches(pool, name)).length === 0);
    await startNoting(pool, [name], () => 'new', { version: '3.0.0' });
    expect(await finished(pool, id)).toMatchObject({ result: 'new', attempt: 1 });
  });
});
