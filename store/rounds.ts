import type { Database } from './pool.ts';

/**
 * Claims one round of maintenance for the whole pool: true for one caller in `everySecs`, false for the others.
 * One that dies in its round has only made the next one wait.
 */
export async function claimRound(database: Database, round: string, everySecs: number): Promise<boolean> {
  const { rowCount } = await database.query({
    name: 'claim_round',
    text: `
      insert into errand.rounds as r (round) values ($1)
      on conflict (round) do update
         set claimed_at = now()
       where r.claimed_at < now() - make_interval(secs => $2)`,
    values: [round, everySecs],
  });
  return rowCount === 1;
}
