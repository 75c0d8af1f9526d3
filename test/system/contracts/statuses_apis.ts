import type { Pool } from 'pg';
import type { AppOptions } from '../../../api/app.ts';
import { createState, type StateHolder } from '../../../api/capacity/state.ts';
import { buildOpenApi } from '../../../api/openapi/build.ts';
import type { OpenApiDocument } from '../../../api/openapi/schemas/document.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions } from '../../../tasks/index.ts';
import { watched } from '../../fast/api/app.ts';
import { authenticateByWords } from '../../fast/api/principals.ts';
import { SENDERS } from '../../fast/api/webhooks/webhook_senders.ts';
import {
  type InPath,
  inPath,
  storeKnownBulk,
  storeKnownLimit,
  storeKnownSchedule,
  submitDelivery,
  submitWithStep,
} from '../../fast/contracts/statuses_requests.ts';
import { startApi } from '../../support/api.ts';
import { testConfig as plainConfig } from '../../support/api_options.ts';
import { createDatabase } from '../../support/database.ts';
import { submitOne } from '../../support/tasks.ts';

/** Of one database, an API for each thing that can be the matter; all but `plain` are about one thing only. */
export type Apis = {
  plain: string;
  /** Wants to know who calls, by the words of authenticateByWords. */
  guarded: string;
  /** Lets one read and one write of a client through in a minute. */
  limited: string;
  /** Gives each request a tenth of a second. */
  hasty: string;
  /** Every statement throws, for a reason that is nobody's business. */
  broken: string;
  /** Already the first thing that is done for a request throws. */
  stateless: string;
  /** Answers hardly anything, on an operator's word. */
  emergency: string;
  /** Does not answer yet. */
  starting: string;
  /** One of the checks of its readiness fails. */
  unready: string;
};

export type Stage = {
  pool: Pool;
  document: OpenApiDocument;
  apis: Apis;
  things: InPath;
  /** Locks every table of the ledger until the function that it gives is called. */
  lockTables(): Promise<() => Promise<void>>;
};

/** A configuration with senders of webhooks. */
const testConfig = (environment: Record<string, string> = {}) => plainConfig({ ...SENDERS, ...environment });

/** What no answer may tell of. */
const SECRET = 'select secret from errand.tasks';

/** Starts the APIs over a database of the calling file that knows the shipped definitions and has a task with a step. */
export async function setStage(): Promise<Stage> {
  const { pool } = await createDatabase();
  await registerDefinitions(pool, definitions);
  const withStep = await submitWithStep(pool);
  const known = { ...withStep, deliveryId: await submitDelivery(pool, withStep.id) };
  await storeKnownLimit(pool);
  await storeKnownSchedule(pool);
  await storeKnownBulk(pool);
  // A next page.
  await submitOne(pool, { name: 'example.echo', payload: { message: 'there' } });
  const throwing = watched(pool, () => {
    throw new Error(SECRET);
  });
  // The answers are judged here, and compiling the API's own validators of them takes most of the time.
  const start = async (options: Partial<AppOptions>, over = pool): Promise<string> =>
    (await startApi(over, { validateResponses: false, config: testConfig(), ...options })).url;
  return {
    pool,
    document: buildOpenApi(definitions),
    things: inPath(known),
    apis: {
      plain: await start({}),
      guarded: await start({ authenticate: authenticateByWords }),
      limited: await start({
        config: testConfig({ RATE_LIMIT_READS: '1', RATE_LIMIT_WRITES: '1', RATE_LIMIT_WEBHOOKS: '1' }),
      }),
      hasty: await start({ config: testConfig({ REQUEST_TIMEOUT_SECS: '0.1' }) }),
      broken: await start({}, throwing),
      stateless: await start({ state: { ...createState(), current: throwSecret } }),
      starting: await start({ state: createState() }),
      emergency: await start({ state: inEmergency() }),
      unready: await start({
        probeSource: {
          process: 'api',
          isDraining: () => true,
          checks: async () => [{ name: 'postgres', status: 'failed', message: 'away' }],
        },
      }),
    },
    lockTables: () => lockTables(pool),
  };
}

function throwSecret(): never {
  throw new Error(SECRET);
}

function inEmergency(): StateHolder {
  const state = createState();
  state.started();
  state.toggleEmergency();
  return state;
}

async function lockTables(pool: Pool): Promise<() => Promise<void>> {
  const { rows } = await pool.query<{ names: string }>(
    `select string_agg(format('%I.%I', schemaname, tablename), ', ') as names
       from pg_tables where schemaname = 'errand'`,
  );
  const holder = await pool.connect();
  // However long it takes: an idle transaction would be ended after a while, and its locks with it.
  await holder.query(`begin; set local idle_in_transaction_session_timeout = 0;
                      lock table ${rows[0]?.names} in access exclusive mode`);
  return async () => {
    await holder.query('rollback');
    holder.release();
  };
}
