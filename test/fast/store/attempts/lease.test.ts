import { expect, test } from 'vitest';
import { heartbeat } from '../../../../store/attempts/lease.ts';
import { recoverLostRunners } from '../../../../store/attempts/recovery.ts';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();
const LEASE_SECS = 10;

/** A runner whose last heartbeat is so many leases old, and that has been steady for long. */
async function runner(leases: number): Promise<number> {
  const description = { host: 'here', pid: 1, version: 'test', taskNames: [], concurrency: 1 };
  const id = await registerRunner(pool, { ...description, leaseSecs: LEASE_SECS });
  await pool.query(
    `update errand.runners
        set steady_since = now() - interval '1 hour', heartbeat_at = now() - make_interval(secs => $2)
      where id = $1`,
    [id, leases * LEASE_SECS],
  );
  return id;
}

/** Beats and gives whom the runner then declares lost. */
async function lostTo(id: number): Promise<number[]> {
  await heartbeat(pool, id, 0);
  const recovery = await recoverLostRunners(pool, id);
  return recovery?.lost.map((lost) => lost.id) ?? [];
}

test('who has missed no beat declares those lost whose lease has run out, and no others', async () => {
  const [dead, late] = [await runner(1.1), await runner(0.9)];
  const looking = await runner(0.34);
  expect(await lostTo(looking)).toEqual([dead]);
  expect(await lostTo(late)).toEqual([]);
});

test('after an outage of about a lease, in which he missed a beat himself, nobody declares anybody lost', async () => {
  // Its last heartbeat was a beat earlier, and so will be its next one.
  await runner(1.1);
  expect(await lostTo(await runner(0.9))).toEqual([]);
  expect(await lostTo(await runner(0.6))).toEqual([]);
});
