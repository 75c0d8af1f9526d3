import type { Database } from '../database/pool.ts';

/**
 * Claims one round of maintenance for the complete pool: true for one caller in `everySecs`, false
 * for the others. If that caller dies, the next round is only delayed. A claim that is ahead of
 * Postgres's clock was made before the clock went back, and does not count.
 */
export async function claimRound(database: Database, round: string, everySecs: number): Promise<boolean> {
  const { rowCount } = await database.query({
    name: 'claim_round',
    text: `
      insert into errand.rounds as r (round) values ($1)
      on conflict (round) do update
         set claimed_at = now()
       where r.claimed_at < now() - make_interval(secs => $2) or r.claimed_at > clock_timestamp()`,
    values: [round, everySecs],
  });
  return rowCount === 1;
}
