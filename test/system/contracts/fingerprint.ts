import type { Pool } from 'pg';

type Table = {
  name: string;
  /** Those that can be written. */
  columns: string;
};

/** A database whose every row is watched, whatever tables there are. */
export type WatchedDatabase = {
  /** The same text as long as no row of any table has changed. */
  fingerprint(): Promise<string>;
  /** How many tasks there are. */
  countTasks(): Promise<number>;
  /** Puts every row back as it was in the beginning. */
  restore(): Promise<void>;
};

/** What is in a database, from the catalog: tables of later migrations are watched as well. Keeps a copy of all. */
export async function watchDatabase(pool: Pool): Promise<WatchedDatabase> {
  const { rows: tables } = await pool.query<Table>(
    `select format('%I.%I', n.nspname, c.relname) as name,
            string_agg(format('%I', a.attname), ', ' order by a.attnum) as columns
       from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      where n.nspname in ('errand', 'errand_worker') and c.relkind = 'r'
        -- That somebody reads a stream is noted, and changes nothing.
        and c.relname <> 'watch'
      group by n.nspname, c.relname
      order by 1`,
  );
  const hashes = tables.map(
    ({ name }) => `(select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from ${name} t)`,
  );
  const copies = tables.map(
    ({ name, columns }, index) => `create table as_it_was.t${index} as select ${columns} from ${name};`,
  );
  // As a replica: neither foreign keys nor triggers have a say in what is put back.
  const restoring = tables.map(
    ({ name, columns }, index) =>
      `delete from ${name}; insert into ${name} (${columns}) overriding system value select * from as_it_was.t${index};`,
  );
  await pool.query(`create schema as_it_was; ${copies.join('\n')}`);
  return {
    async fingerprint() {
      const { rows } = await pool.query<{ hash: string }>({
        name: 'fingerprint',
        text: `select concat_ws(',', ${hashes.join(', ')}) as hash`,
      });
      return rows[0]?.hash ?? '';
    },
    async countTasks() {
      const { rows } = await pool.query<{ count: number }>('select count(*) from errand.tasks');
      return Number(rows[0]?.count);
    },
    async restore() {
      await pool.query(`begin; set local session_replication_role = replica; ${restoring.join('\n')} commit`);
    },
  };
}
