import type { Client } from '../../client/index.ts';
import {
  type Bottlenecks,
  bottlenecksSchema,
  type Runner,
  runnersSchema,
  type Stats,
  statsSchema,
} from '../answers.ts';

/** The content of one picture of `errand top`. */
export type Snapshot = {
  at: Date;
  stats: Stats;
  waiting: Bottlenecks['waiting'];
  paused: Bottlenecks['paused'];
  runners: Runner[];
};

/** Reads the state of the pool and the figures of the last minutes. */
export async function readSnapshot(
  client: Client,
  windowMinutes: number,
  signal: AbortSignal,
): Promise<Snapshot> {
  const query = { window_minutes: windowMinutes };
  const [stats, bottlenecks, runners] = await Promise.all([
    client.request('GET', '/v1/tasks/stats', { query, signal }),
    client.request('GET', '/v1/analytics/bottlenecks', { query, signal }),
    client.request('GET', '/v1/runners', { signal }),
  ]);
  const { waiting, paused } = bottlenecksSchema.parse(bottlenecks);
  return {
    at: new Date(),
    stats: statsSchema.parse(stats),
    waiting,
    paused,
    runners: runnersSchema.parse(runners).runners,
  };
}
