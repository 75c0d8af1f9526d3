import { setTimeout as pause } from 'node:timers/promises';
import { makeWorkerUtils } from 'graphile-worker';
import { z } from 'zod';
import { startProcess } from '../process.ts';
import { benchPool, startRunner } from '../queues/errand.ts';
import { WITHOUT_LINES } from '../queues/graphile_worker.ts';
import type { BenchServer } from '../server.ts';
import { makeSchedules } from './make.ts';

const MS_PER_MINUTE = 60_000;
/** Everything must be up this long before the first minute that counts, and half as long before the first second. */
const BEFORE_MS = 6_000;
/** How long after a minute its last run may start. pg-boss needs up to three seconds. */
const WITHIN_MS = 30_000;
const POLL_MS = 100;

/** Runs by so many schedules for each minute: who ran them, and how they can be asked for. */
type Scheduler = {
  name: string;
  /** When the handlers of the minutes from `from` to `to` started, in ms since 1970. */
  started(from: number, to: number): Promise<number[]>;
  close(): Promise<void>;
};

export type Lags = {
  name: string;
  /** By minute: how long after it each handler started, in ms. */
  minutes: number[][];
};

export type LagOptions = { minutes: number; perMinute: number };

/** The lags at full minutes of each, Errand first; and of one schedule of Errand for each second. */
export type Lag = { schedulers: Lags[]; everySecond: number[] };

/**
 * Measures how long after a full minute handlers start, in Errand, graphile-worker and pg-boss
 * during the same minutes: so many schedules of each are due at every minute. Throws if a run is
 * missing, or if a process ends.
 */
export async function measureLag(
  server: BenchServer,
  { minutes, perMinute }: LagOptions,
  log: (line: string) => void,
): Promise<Lag> {
  await using opened = new AsyncDisposableStack();
  const open = async <T extends Scheduler>(opening: Promise<T>): Promise<T> =>
    opened.adopt(await opening, ({ close }) => close());
  const errand = await open(openErrand(server, perMinute));
  const schedulers: Scheduler[] = [
    errand,
    await open(openGraphileWorker(server, perMinute)),
    await open(openPgBoss(server, perMinute)),
  ];
  const allUp = Date.now();
  const from = Math.ceil((allUp + BEFORE_MS) / MS_PER_MINUTE) * MS_PER_MINUTE;
  const to = from + (minutes - 1) * MS_PER_MINUTE;
  for (let minute = from; minute <= to; minute += MS_PER_MINUTE) {
    log(`schedules of each minute, ${(minute - from) / MS_PER_MINUTE + 1} of ${minutes}`);
    await pause(minute - Date.now());
  }
  const all = await Promise.all(
    schedulers.map((scheduler) => allStarted(scheduler, { from, to, count: minutes * perMinute })),
  );
  return {
    schedulers: schedulers.map(({ name }, index) => ({
      name,
      minutes: byMinute(all[index] ?? [], from, to),
    })),
    everySecond: await errand.everySecond(allUp + BEFORE_MS / 2, to),
  };
}

async function allStarted(
  { name, started }: Scheduler,
  { from, to, count }: { from: number; to: number; count: number },
): Promise<number[]> {
  for (;;) {
    const all = await started(from, to + MS_PER_MINUTE);
    if (all.length === count) return all;
    if (all.length > count || Date.now() > to + WITHIN_MS)
      throw new Error(`${name} ran ${all.length} times instead of ${count}`);
    await pause(POLL_MS);
  }
}

/** No lag is as long as a minute: those that are late make a run missing. */
function byMinute(started: readonly number[], from: number, to: number): number[][] {
  const minutes: number[][] = [];
  for (let minute = from; minute <= to; minute += MS_PER_MINUTE)
    minutes.push(
      started.filter((at) => at >= minute && at < minute + MS_PER_MINUTE).map((at) => at - minute),
    );
  return minutes;
}

const EACH_SECOND = 'example.each_second';

type Errand = Scheduler & {
  /** The lags of a schedule of each second, without those at full minutes, when all others run. */
  everySecond(from: number, to: number): Promise<number[]>;
};

async function openErrand(server: BenchServer, perMinute: number): Promise<Errand> {
  const { name, url } = await server.freshDatabase();
  const pool = benchPool(url);
  const { process: runner } = await startRunner(url, { NODE_ENV: 'development' });
  await makeSchedules(url, pool, [
    { id: 'example.each_minute', timing: { cron: '* * * * *' }, count: perMinute },
    { id: EACH_SECOND, timing: { cron: '* * * * * *' }, count: 1 },
  ]);
  const ran = async (condition: string, from: number, to: number): Promise<{ at: number; lag: number }[]> => {
    const { rows } = await pool.query<{ at: number; lag: number }>(
      `select /* bench */ (result ->> 'at')::float8 as at,
              (result ->> 'at')::float8 - extract(epoch from scheduled_for)::float8 * 1000 as lag
         from errand.tasks
        where ${condition} and result is not null
          and scheduled_for >= to_timestamp($2::float8 / 1000)
          and scheduled_for < to_timestamp($3::float8 / 1000)`,
      [EACH_SECOND, from, to],
    );
    return rows;
  };
  return {
    name: 'Errand',
    started: async (from, to) => (await ran('schedule_id <> $1', from, to)).map(({ at }) => at),
    everySecond: async (from, to) =>
      (await ran(`schedule_id = $1 and date_trunc('minute', scheduled_for) <> scheduled_for`, from, to)).map(
        ({ lag }) => lag,
      ),
    async close() {
      await runner.stop();
      await pool.end();
      await server.dropDatabase(name);
    },
  };
}

async function openGraphileWorker(server: BenchServer, perMinute: number): Promise<Scheduler> {
  const { name, url } = await server.freshDatabase();
  const utils = await makeWorkerUtils({ connectionString: url });
  await utils.migrate();
  await utils.release();
  return openPeer('graphile-worker', 'bench/peers/graphile_cron.ts', { server, name, url, perMinute });
}

async function openPgBoss(server: BenchServer, perMinute: number): Promise<Scheduler> {
  const { name, url } = await server.freshDatabase();
  return openPeer('pg-boss', 'bench/peers/pg_boss_cron.ts', { server, name, url, perMinute });
}

const report = z.object({ started: z.array(z.number()) });

async function openPeer(
  peer: string,
  script: string,
  { server, name, url, perMinute }: { server: BenchServer; name: string; url: string; perMinute: number },
): Promise<Scheduler> {
  const environment = { DATABASE_URL: url, LINES: String(perMinute), ...WITHOUT_LINES };
  const { process } = await startProcess(script, environment);
  return {
    name: peer,
    async started(from, to) {
      const answer = process.message();
      process.send('report');
      const { started } = report.parse(await answer);
      return started.filter((at) => at >= from && at < to);
    },
    async close() {
      await process.stop();
      await server.dropDatabase(name);
    },
  };
}
