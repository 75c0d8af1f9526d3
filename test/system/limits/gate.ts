import { Client, type Pool } from 'pg';
import { onTestFinished } from 'vitest';
import { until } from '../../support/until.ts';

/** A part of a statement of limits: it takes slots, frees some, or calls those that wait. */
export const MOMENTS = ['take', 'free', 'call'] as const;
export type Moment = (typeof MOMENTS)[number];

/** A statement that has come to its moment and goes no further: its connection, and the process of its runner. */
export type Held = { backend: number; pid: number };

/** Holds statements of runners in the middle of their work, so that a fault can strike there. */
export type Gate = {
  /** Closes it, waits for a statement of a runner, does something about it, and opens it. */
  hold(moment: Moment, strike: (held: Held) => Promise<void>): Promise<void>;
};

const LOCK_CLASS = 4_242;

/**
 * Puts a gate at each moment: a trigger that asks for a lock, which the gate has while it is closed. Runners
 * must have `runner PID` as the name of their connections.
 */
export async function makeGate(pool: Pool, url: string): Promise<Gate> {
  await pool.query(`
    create function public.gate() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(${LOCK_CLASS}, tg_argv[0]::integer);
      return null;
    end $$;
    create trigger gate_take before insert on errand.limit_slots for each statement execute function public.gate('0');
    create trigger gate_free before delete on errand.limit_slots for each statement execute function public.gate('1');
    create trigger gate_call before update of called_at on errand.limit_waits for each statement execute function public.gate('2')`);
  const keeper = new Client({ connectionString: url });
  await keeper.connect();
  onTestFinished(() => keeper.end());
  return {
    async hold(moment, strike) {
      const lock = [LOCK_CLASS, MOMENTS.indexOf(moment)];
      await keeper.query('select pg_advisory_lock($1::integer, $2::integer)', lock);
      try {
        await strike(await until(`a runner is about to ${moment}`, () => firstHeld(pool, lock)));
      } finally {
        await keeper.query('select pg_advisory_unlock($1::integer, $2::integer)', lock);
      }
    },
  };
}

async function firstHeld(pool: Pool, lock: number[]): Promise<Held | undefined> {
  const { rows } = await pool.query<Held>(
    `select a.pid as backend, substr(a.application_name, 8)::integer as pid
       from pg_locks l
       join pg_stat_activity a using (pid)
      where l.locktype = 'advisory' and not l.granted and a.application_name ~ '^runner \\d+$'
        and l.database = (select oid from pg_database where datname = current_database())
        and (l.classid::bigint, l.objid::bigint) = ($1, $2)
      limit 1`,
    lock,
  );
  return rows[0];
}
