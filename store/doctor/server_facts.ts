import type { Database } from '../database/pool.ts';

/** A setting as new sessions of this role in this database get it. */
export type Setting = {
  name: string;
  value: string;
  /** Where it comes from, such as `user`, `database`, `configuration file` or `default`. */
  source: string;
};

/** Properties of a server and of this role on it that decide how well Errand works there. */
export type ServerFacts = {
  role: string;
  database: string;
  settings: Setting[];
  /** Connections that roles without special rights can have in all. */
  maxConnections: number;
  /** Connections of clients that there are now, in all databases. */
  usedConnections: number;
  /** The limit of this role, and of the database; null without one. */
  roleLimit: number | null;
  databaseLimit: number | null;
  /** The part of the queue of notifications that is in use, from 0 to 1. */
  notifyUsage: number;
  /** Transactions since the oldest one that this database may still have to freeze. */
  frozenAge: number;
  /** Whether the server has pg_trgm, whether this database has it, and its index; null without tasks. */
  trigrams: { isAvailable: boolean; isInstalled: boolean; hasIndex: boolean | null };
};

/** Settings that a session of Errand does not set itself, and that have a consequence for it. */
const WITH_CONSEQUENCE = [
  'fsync',
  'full_page_writes',
  'synchronous_commit',
  'synchronous_standby_names',
  'autovacuum',
  'track_counts',
  'session_replication_role',
  'row_security',
  'statement_timeout',
];

/** Where a new session gets a setting from, also if this session has set it since. The order is Postgres's. */
const SOURCE = `
  case when source <> 'session' then source else coalesce(
    (select case when d.setrole = 0 then 'database' when d.setdatabase = 0 then 'user' else 'database user' end
       from pg_db_role_setting d
      where exists (select from unnest(d.setconfig) given (text) where starts_with(given.text, name || '='))
        and d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
        and d.setrole in (0, (select oid from pg_roles where rolname = current_user))
      order by d.setrole = 0, d.setdatabase = 0
      limit 1), 'configuration file') end`;

/**
 * Reads them. `reset_val` is what a new session of this role gets, before Errand sets anything. It
 * reads no table of Errand, so no lock on one keeps it waiting.
 */
export async function readServerFacts(database: Database): Promise<ServerFacts> {
  const { rows } = await database.query<ServerFacts>(
    `select current_user::text as role,
            current_database() as database,
            (select json_agg(json_build_object('name', name, 'value', reset_val, 'source', ${SOURCE}) order by name)
               from pg_settings
              where name = any ($1)
                 -- Switches of the planner that are not as they are by default.
                 or (name like 'enable\\_%' and vartype = 'bool' and reset_val <> boot_val)) as settings,
            current_setting('max_connections')::integer
              - current_setting('superuser_reserved_connections')::integer
              - coalesce(current_setting('reserved_connections', true)::integer, 0) as "maxConnections",
            (select count(*)::integer from pg_stat_activity where backend_type = 'client backend') as "usedConnections",
            (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user) as "roleLimit",
            (select nullif(datconnlimit, -1) from pg_database where datname = current_database()) as "databaseLimit",
            pg_notification_queue_usage() as "notifyUsage",
            (select age(datfrozenxid) from pg_database where datname = current_database()) as "frozenAge",
            json_build_object(
              'isAvailable', exists (select from pg_available_extensions where name = 'pg_trgm'),
              'isInstalled', exists (select from pg_extension where extname = 'pg_trgm'),
              -- Without the right to use the schema, to_regclass() fails.
              'hasIndex', (select exists (select from pg_class i
                                           where i.relnamespace = t.relnamespace and i.relname = 'tasks_error_message_idx')
                             from pg_class t
                            where t.relnamespace = to_regnamespace('errand') and t.relname = 'tasks')) as trigrams`,
    [WITH_CONSEQUENCE],
  );
  const [facts] = rows;
  if (facts === undefined) throw new Error('Postgres returned no row for a query that always has one');
  return facts;
}

/** The version of the order of texts that the database was made with, and the one that the server has now. */
export type Collation = { made: string | null; now: string | null };

/** Before Postgres 15 a database does not know its version: both are null. */
const COLLATED_SINCE = 150_000;

/** Reads them for a server of this version (`server_version_num`). */
export async function readCollation(database: Database, serverVersion: number): Promise<Collation> {
  if (serverVersion < COLLATED_SINCE) return { made: null, now: null };
  const { rows } = await database.query<Collation>(
    `select datcollversion as made, pg_database_collation_actual_version(oid) as now
       from pg_database
      where datname = current_database()`,
  );
  return rows[0] ?? { made: null, now: null };
}

/** Something that keeps vacuum from removing dead rows. */
export type Holder = {
  kind: 'transaction' | 'prepared' | 'slot';
  /** The pid of a session, or the name of a prepared transaction or of a replication slot. */
  id: string;
  application: string | null;
  role: string | null;
  address: string | null;
  state: string | null;
  /** How long already; null for a slot. */
  seconds: number | null;
  /** How many transactions have started since. */
  transactions: number;
};

/**
 * Transactions that began more than `seconds` ago, prepared ones of that age, and replication slots
 * that nothing reads. Vacuum keeps every row that they may still need. The oldest first, at most a
 * hundred.
 */
export async function readHolders(database: Database, seconds: number): Promise<Holder[]> {
  const { rows } = await database.query<Holder>(
    `select 'transaction' as kind, pid::text as id, application_name as application, usename::text as role,
            client_addr::text as address, state, extract(epoch from now() - xact_start)::float8 as seconds,
            greatest(age(backend_xid), age(backend_xmin)) as transactions
       from pg_stat_activity
      where xact_start < now() - make_interval(secs => $1)
        and (backend_xid is not null or backend_xmin is not null or state like 'idle in transaction%')
        and backend_type = 'client backend'
     union all
     select 'prepared', gid, null, owner::text, null, null, extract(epoch from now() - prepared)::float8, age(transaction)
       from pg_prepared_xacts
      where prepared < now() - make_interval(secs => $1) and database = current_database()
     union all
     select 'slot', slot_name::text, null, null, null, null, null, greatest(age(xmin), age(catalog_xmin))
       from pg_replication_slots
      where not active and (xmin is not null or catalog_xmin is not null or restart_lsn is not null)
      order by seconds desc nulls last, id
      limit 100`,
    [seconds],
  );
  return rows;
}

/** A session that keeps others from Errand's tables or rows. */
export type Blocker = {
  /** 0 for a prepared transaction, whose name is the application then. */
  pid: number;
  application: string | null;
  role: string | null;
  state: string | null;
  /** How long its transaction has lasted; null if this role may not see it. */
  seconds: number | null;
  /** The tables that it locks against others, or `a row`. */
  what: string[];
  /** How many sessions of Errand wait for it. */
  waiting: number;
};

/**
 * Sessions that processes of Errand have waited for longer than `seconds`, and those that have kept
 * a table of Errand locked against all writers for so long. It reads only the catalogue, so it
 * answers even while everything else waits.
 */
export async function readBlockers(database: Database, seconds: number): Promise<Blocker[]> {
  const { rows } = await database.query<Blocker>(
    `with waiting as (
       select l.pid, coalesce(l.relation::regclass::text, 'a row') as what, unnest(pg_blocking_pids(l.pid)) as by
         from pg_locks l
         join pg_stat_activity a on a.pid = l.pid
        where not l.granted
          and l.locktype in ('relation', 'tuple', 'transactionid')
          and a.datname = current_database()
          and a.application_name like 'errand%'
          and coalesce(l.waitstart, '-infinity') < clock_timestamp() - make_interval(secs => $1)
     ),
     holding as (
       -- The locks of a prepared transaction have no pid.
       select coalesce(l.pid, 0) as by, l.relation::regclass::text as what, p.gid
         from pg_locks l
         join pg_class c on c.oid = l.relation
         left join pg_stat_activity a on a.pid = l.pid
         left join pg_locks x on l.pid is null and x.locktype = 'transactionid' and x.virtualtransaction = l.virtualtransaction
         left join pg_prepared_xacts p on p.transaction = x.transactionid
        where l.granted
          and l.mode in ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
          and c.relkind = 'r'
          and c.relnamespace in (to_regnamespace('errand'), to_regnamespace('errand_worker'))
          and l.database = (select oid from pg_database where datname = current_database())
          and coalesce(a.xact_start, p.prepared, '-infinity') < clock_timestamp() - make_interval(secs => $1)
     )
     select by as pid, coalesce(a.application_name, blocking.gid) as application, a.usename::text as role, a.state,
            extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds,
            array(select what from waiting w where w.by = blocking.by union select what from holding h where h.by = blocking.by order by 1) as what,
            (select count(distinct w.pid)::integer from waiting w where w.by = blocking.by) as waiting
       from (select by, max(gid) as gid
               from (select by, null as gid from waiting union all select by, gid from holding) each_of_them
              group by by) blocking
       left join pg_stat_activity a on a.pid = blocking.by
      where blocking.by <> pg_backend_pid()
      order by waiting desc, pid
      limit 100`,
    [seconds],
  );
  return rows;
}

/** The difference between Postgres's clock and this machine's. */
export type ClockDifference = {
  /** By how many milliseconds Postgres's clock is ahead. */
  aheadMs: number;
  /** The difference may be wrong by so much: half of the round trip. */
  exactToMs: number;
};

/**
 * Measures it in the middle of a round trip, and takes the shortest of some: the answer of the
 * server was made at any time within it.
 */
export async function measureClock(database: Database): Promise<ClockDifference> {
  const samples: ClockDifference[] = [];
  for (let sample = 0; sample < 5; sample++) {
    const sent = Date.now();
    const started = performance.now();
    const { rows } = await database.query<{ now: number }>(
      'select extract(epoch from clock_timestamp())::float8 * 1000 as now',
    );
    const halfMs = (performance.now() - started) / 2;
    samples.push({ aheadMs: Number(rows[0]?.now) - (sent + halfMs), exactToMs: halfMs });
  }
  const [best] = samples.sort((one, other) => one.exactToMs - other.exactToMs);
  if (best === undefined) throw new Error('no sample of the clock was taken');
  return best;
}
