import type { QueryConfig } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../../store/database/pool.ts';
import { readDue } from '../../../../store/schedules/due.ts';
import { createDatabase } from '../../../support/database.ts';
import { type Scan, scansOf } from '../../../support/plans.ts';
import { storeSchedule } from '../../../support/schedules.ts';

const { pool } = await createDatabase();
const MANY = 10_000;

/** Runs `work` and gives the scans of its only statement. */
async function scansDuring(work: (database: Database) => Promise<unknown>): Promise<Scan[]> {
  const statements: { text: string; values: unknown[] }[] = [];
  const watched = {
    query: (config: QueryConfig) => {
      statements.push({ text: config.text, values: config.values ?? [] });
      return pool.query(config);
    },
  };
  await work(watched as Database);
  expect(statements).toHaveLength(1);
  return (await Promise.all(statements.map((statement) => scansOf(pool, statement)))).flat();
}

describe('a look at the schedules', () => {
  it('finds nothing and reads nothing when there are none', async () => {
    expect(await readDue(pool, 100, 0)).toEqual({ due: [], nextInMs: null, hasHeld: false });
  });

  describe(`among ${MANY} schedules`, () => {
    beforeAll(async () => {
      await storeSchedule(pool, { id: 'example.overdue', nextIn: -5 });
      await storeSchedule(pool, { id: 'example.next', nextIn: 3_600 });
      await pool.query(
        `insert into errand.schedules (id, task, origin, settings, submission, next_at, due_at)
         select 'example.s' || n, task, origin, settings, submission, now() + interval '1 day', now() + interval '1 day'
           from errand.schedules, generate_series(1, $1) n
          where id = 'example.next'`,
        [MANY],
      );
      await pool.query('analyze errand.schedules');
    });

    it('gives those that are due, with what a plan needs, and when the next one is', async () => {
      const { due, nextInMs, hasHeld } = await readDue(pool, 100, 0);
      expect(due).toMatchObject([
        {
          id: 'example.overdue',
          task: 'example.echo',
          priority: 0,
          settings: { every_seconds: 60, overlap: 'skip' },
        },
      ]);
      expect(due[0]?.now.getTime()).toBeGreaterThan(due[0]?.nextAt.getTime() ?? Number.NaN);
      expect(nextInMs).toBeLessThanOrEqual(0);
      expect(hasHeld).toBe(false);
    });

    it('reads by the index only what is due (K8)', async () => {
      const scans = await scansDuring((database) => readDue(database, 100, 0));
      expect(scans.every(({ type }) => type !== 'Seq Scan')).toBe(true);
      expect(scans.reduce((sum, { read }) => sum + read, 0)).toBeLessThanOrEqual(3);
    });

    it('says in how many milliseconds the next one is due, by Postgres’s clock', async () => {
      await pool.query(`delete from errand.schedules where id = 'example.overdue'`);
      const { due, nextInMs } = await readDue(pool, 100, 0);
      expect(due).toEqual([]);
      expect(nextInMs).toBeGreaterThan(1_800_000);
      expect(nextInMs).toBeLessThanOrEqual(3_600_000);
    });

    it('gives settings that it cannot read as null, so that they stop no other schedule', async () => {
      await storeSchedule(pool, { id: 'example.odd', nextIn: -5 });
      await pool.query(
        `update errand.schedules set settings = settings || '{"overlap": "other"}' where id = 'example.odd'`,
      );
      expect((await readDue(pool, 100, 0)).due).toMatchObject([{ id: 'example.odd', settings: null }]);
    });
  });
});
