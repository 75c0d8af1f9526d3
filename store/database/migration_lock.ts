import type { PoolClient } from 'pg';

/**
 * Any fixed number. It keeps two migrating processes from doing the same work (faults F15). The
 * other half of the key is made from the name of the schema, so that one Errand does not wait for
 * another one in this database.
 */
const ADVISORY_LOCK = 4_772_001;
/** How often the lock is asked for again, and its holder reported. */
const ASK_AGAIN_MS = 1_000;

/** A session that keeps others from migrating. Columns that this role may not see are null. */
export type LockHolder = {
  pid: number;
  application: string | null;
  role: string | null;
  address: string | null;
  state: string | null;
  since: string | null;
};

export type Waiting = {
  /** How long to wait for the lock of another session. */
  waitMs: number;
  /** Called once a second with the sessions that hold the lock. */
  onBlocked: (holders: LockHolder[]) => void;
};

/**
 * Runs `work` in a transaction with the lock, so that no two of them run for this schema at the
 * same time, and commits. If `work` throws, everything is rolled back. Throws if another session
 * holds the lock for longer than `waitMs`.
 *
 * The lock ends with the transaction. A session lock would stay on a pooler's connection, whose
 * next user would not know of it and would not release it.
 */
export async function inLockedTransaction<T>(
  client: PoolClient,
  schema: string,
  waiting: Waiting,
  work: () => Promise<T>,
): Promise<T> {
  await loadLocked(client, schema, waiting);
  try {
    const value = await work();
    await client.query('commit');
    return value;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function loadLocked(client: PoolClient, schema: string, { waitMs, onBlocked }: Waiting): Promise<void> {
  const until = performance.now() + waitMs;
  while (!(await tryLock(client, schema))) {
    const holders = await readHolders(client, schema);
    if (performance.now() >= until) {
      throw new Error(
        `another session has held the lock for migrations for ${Math.round(waitMs / 1_000)} s: ${describe(holders)}. ` +
          'If it is a process of Errand that migrates, wait for it. Otherwise end that session with pg_terminate_backend(pid)',
      );
    }
    onBlocked(holders);
  }
}

/**
 * Begins a transaction with the lock. Gives false, without a transaction, if another session has
 * it.
 */
async function tryLock(client: PoolClient, schema: string): Promise<boolean> {
  await client.query(`begin; set local lock_timeout = ${ASK_AGAIN_MS}`);
  try {
    await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [ADVISORY_LOCK, schema]);
    await client.query('set local lock_timeout = 0');
    return true;
  } catch (error) {
    await client.query('rollback');
    if (error instanceof Error && 'code' in error && error.code === '55P03') return false;
    throw error;
  }
}

async function readHolders(client: PoolClient, schema: string): Promise<LockHolder[]> {
  const { rows } = await client.query<LockHolder>(
    `select l.pid, a.application_name as application, a.usename as role, a.client_addr::text as address, a.state,
            coalesce(a.state_change, a.backend_start)::text as since
       from pg_locks l
       left join pg_stat_activity a using (pid)
      where l.locktype = 'advisory'
        and l.granted
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        -- 2: a key of two halves.
        and l.objsubid = 2
        and l.classid = $1::integer::oid
        and l.objid = hashtext($2)::oid`,
    [ADVISORY_LOCK, schema],
  );
  return rows;
}

function describe(holders: readonly LockHolder[]): string {
  if (holders.length === 0) return 'it has ended by now';
  return holders
    .map(
      ({ pid, application, role, address, state, since }) =>
        `pid ${pid}, application ${JSON.stringify(application)}, role ${role}, from ${address ?? 'this machine'}, ` +
        `${state ?? 'in a state that this role may not see'} since ${since ?? 'a time that it may not see'}`,
    )
    .join('; ');
}
