import { expect, onTestFinished, test } from 'vitest';
import { keepLease } from '../../../../runner/lease/lease.ts';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { createDatabase } from '../../../support/database.ts';
import { cancelTask } from '../../../support/operator.ts';
import { submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const { pool, url } = await createDatabase();

/** Keeps the lease of a runner in this thread; `heard` are the tasks that are to be cancelled. */
async function lease(here: (id: string) => boolean): Promise<{ heard: string[]; beats: () => number }> {
  const description = {
    host: 'here',
    pid: 1,
    version: 'test',
    taskNames: [],
    concurrency: 1,
    leaseSecs: 600,
  };
  const heard: string[] = [];
  let beats = 0;
  const kept = keepLease({
    ...{
      runnerId: await registerRunner(pool, description),
      leaseMs: 600_000,
      connection: { connectionString: url },
    },
    ...{ inFlight: () => 0, delayMs: () => 0, blocked: () => null, isRunning: here },
    onCancel: (id) => heard.push(id),
    onBeat: () => beats++,
    ...{
      onPauses: () => {},
      onHandedOn: () => {},
      onSchedules: () => {},
      onLost: () => {},
      onTrouble: () => {},
    },
  });
  onTestFinished(() => kept.close());
  await until('it listens', () => beats > 0);
  return { heard, beats: () => beats };
}

test('a notification that anybody may send ends nothing: who is to be cancelled is read in the ledger', async () => {
  const [forged, cancelled, elsewhere] = (
    await submit(pool, ...Array.from({ length: 3 }, () => ({ name: 'example.sleep', payload: { ms: 1 } })))
  ).map(({ id }) => id);
  const { heard } = await lease((id) => id !== elsewhere);
  const client = await pool.connect();
  await client.query('create role stranger; set role stranger');
  for (const payload of [forged, 'no id', '', crypto.randomUUID()]) {
    await client.query('select pg_notify($1, $2)', ['errand_cancel', payload]);
  }
  await client.query('reset role; drop role stranger');
  client.release();
  await cancelTask(pool, elsewhere ?? '');
  await cancelTask(pool, cancelled ?? '');
  await until('it hears of the one that was cancelled', () => heard.length > 0);
  expect(heard).toEqual([cancelled]);
});
