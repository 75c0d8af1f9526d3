import type { Database } from './pool.ts';

/**
 * The key that signs the tickets for streams, and the current time in milliseconds since 1970. The
 * table has one row and no index.
 */
export async function readTicketKey(database: Database): Promise<{ key: Buffer; nowMs: number }> {
  const { rows } = await database.query<{ key: Buffer; nowMs: number }>({
    name: 'read_ticket_key',
    text: `
      select key, (extract(epoch from clock_timestamp()) * 1000)::double precision as "nowMs"
        from errand.ticket_key`,
  });
  const [row] = rows;
  if (row === undefined) throw new Error('errand.ticket_key has no row: insert one, with the defaults');
  return row;
}
