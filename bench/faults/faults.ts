import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Client } from '../http/client.ts';
import type { Question } from './asking.ts';

const ECHO = 'example.echo';
const SEARCHES = 10;
const POLL_MS = 10;
const LIMIT_MS = 10_000;

/**
 * The harm that one client does to an API, and the requests that another client sends meanwhile.
 */
export type Fault = {
  /** The name in the results. */
  name: string;
  question: Question;
  /** Starts the fault. Gives a function that ends it. */
  inflict(pool: Pool, harm: Client): Promise<() => Promise<void>>;
};

export const FAULTS: readonly Fault[] = [
  {
    name: 'an open transaction',
    question: {
      method: 'POST',
      path: `/v1/tasks/${ECHO}`,
      body: () => ({ payload: { message: crypto.randomUUID() } }),
    },
    inflict: submitTwice,
  },
  {
    name: 'costly reads',
    question: { method: 'GET', path: '/v1/tasks?page_size=1' },
    inflict: searchMuch,
  },
];

/** An application submits by SQL and does not commit, while the same is submitted over HTTP. */
function submitTwice(pool: Pool, harm: Client): Promise<() => Promise<void>> {
  const payload = { message: crypto.randomUUID(), count: 1 };
  return holdAgainst(pool, ['select /* bench */ errand.submit($1, $2)', [ECHO, payload]], () =>
    harm.post(`/v1/tasks/${ECHO}`, { payload }, 200),
  );
}

/**
 * A client asks for more statistics at once than there are connections for reads, and none of the
 * reads ends.
 */
function searchMuch(pool: Pool, harm: Client): Promise<() => Promise<void>> {
  return holdAgainst(pool, ['lock /* bench */ table errand.rollups in access exclusive mode', []], () =>
    // The API refuses some of them to keep other clients from harm.
    Promise.allSettled(Array.from({ length: SEARCHES }, () => harm.get('/v1/tasks/stats'))),
  );
}

/**
 * Runs a statement in a transaction that stays open, and lets the API do something that waits for
 * it. The given function commits and waits for the API.
 */
async function holdAgainst(
  pool: Pool,
  [text, values]: [string, unknown[]],
  act: () => Promise<unknown>,
): Promise<() => Promise<void>> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(text, values);
    const acted = act();
    // Reported at the end.
    acted.catch(() => {});
    await untilWaiting(pool);
    return async () => {
      await client.query('commit').finally(() => client.release());
      await acted;
    };
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Throws if no statement of the API waits for a lock within LIMIT_MS. */
async function untilWaiting(pool: Pool): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  for (;;) {
    const { rows } = await pool.query(
      `select /* bench */ from pg_stat_activity
        where datname = current_database() and application_name like 'errand api%' and wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
    if (performance.now() > limit) throw new Error('No statement of the API waits for the lock');
    await pause(POLL_MS);
  }
}
