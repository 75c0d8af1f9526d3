import type { Goal } from '../goals.ts';
import { goalSection, type Section } from '../report.ts';
import { median, type Rounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { quantile } from '../timing.ts';
import { type CostOptions, type Costs, measureCosts } from './cost.ts';
import { type Lag, type LagOptions, type Lags, measureLag } from './lag.ts';

const MAX_TICK_MS = 50;
/** A heartbeat at the edge of the measured time may count on one side alone. */
const MAX_PER_HEARTBEAT = 1.1;
const MAX_LAG_MS = 250;
const MAX_LAG_RATIO = 0.5;

type Options = CostOptions & LagOptions;

/**
 * Measures what schedules cost Postgres, and how long after their times handlers start, beside the
 * schedules of graphile-worker and pg-boss. It takes a minute more than `minutes` and the times
 * of the costs. Throws if a process fails, or a run is missing.
 */
export async function measureSchedules(
  server: BenchServer,
  options: Options,
  log: (line: string) => void,
): Promise<Section> {
  const { schedules, due, ticks, minutes, perMinute } = options;
  log(`cost of ${schedules.toLocaleString('en')} schedules`);
  const costs = await measureCosts(server, options);
  log('lag of schedules');
  const lag = await measureLag(server, options, log);
  return goalSection({
    title: 'Schedules',
    about:
      `Costs: the time that Postgres plans and executes statements that name the tables of schedules, with one ` +
      `runner, ${schedules.toLocaleString('en')} schedules, and ${due.toLocaleString('en')} of them due at each of ` +
      `${ticks} times; the submission of the tasks is part of it. Lags: from the scheduled time to the start of ` +
      `the handler, in ${minutes === 1 ? 'one minute' : `the same ${minutes} minutes`}, with one process each and ` +
      `${perMinute} schedules of each minute. The cron of graphile-worker and pg-boss has no seconds. pg-boss looks ` +
      'at its schedules every second, the least that it takes, and announces new jobs. The schedule of each second ' +
      'counts without full minutes, when all the others run.',
    goals: [...goalsOfCosts(costs, options), ...goalsOfLag(lag)],
    data: { ...options, costs, lag },
  });
}

function goalsOfCosts({ ticks, noneDue, none }: Costs, { schedules, due }: CostOptions): Goal[] {
  const many = `${schedules.toLocaleString('en')} schedules`;
  const alone = (what: string, unit: string, ours: Rounds, most: number | null): Goal => ({
    ...{ what, unit, ours, peer: null },
    goal: most === null ? null : { atMost: most },
  });
  return [
    alone(`Postgres at a time with ${due} of ${many} due`, 'ms', ticks, MAX_TICK_MS),
    alone(`Postgres per second, none of ${many} due`, 'ms', [noneDue.msPerSecond], null),
    alone(`statements per minute, none of ${many} due`, 'of schedules', [noneDue.perMinute], null),
    alone('statements per minute, no schedule', 'of schedules', [none.perMinute], null),
    alone('the same per heartbeat', 'of schedules', [none.perHeartbeat], MAX_PER_HEARTBEAT),
    alone('all statements per minute, no schedule', 'of the runner', [none.allPerMinute], null),
  ];
}

function goalsOfLag({ schedulers: [ours, ...theirs], everySecond }: Lag): Goal[] {
  const compare = (what: string, peer: Lags, of: (lags: Lags) => Rounds, goal: Goal['goal']): Goal => ({
    ...{ what, unit: 'ms', goal, ours: ours === undefined ? [] : of(ours) },
    peer: { name: peer.name, rounds: of(peer) },
  });
  const p99 = (lags: Lags): Rounds => [quantile(lags.minutes.flat(), 0.99)];
  const medians = (lags: Lags): Rounds => lags.minutes.map(median);
  return [
    {
      ...{ what: 'lag of a schedule of each second, p99', unit: 'ms', peer: null },
      ...{ ours: [quantile(everySecond, 0.99)], goal: { atMost: MAX_LAG_MS } },
    },
    {
      ...{ what: 'lag of a schedule of each second, median', unit: 'ms', peer: null },
      ...{ ours: [median(everySecond)], goal: null },
    },
    ...theirs.map((peer) => compare('lag at full minutes, p99', peer, p99, { atMost: MAX_LAG_RATIO })),
    ...theirs.map((peer) => compare('lag at full minutes, median', peer, medians, null)),
  ];
}
