import type { Pool } from 'pg';
import { schemasFor } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { messageOf } from '../process/start.ts';
import { VERSION } from '../process/version.ts';
import { isForbidden, type MigrationPlan, planMigration } from '../store/database/migration_plan.ts';
import { isConnectionFailure, isTimeout } from '../store/database/pool.ts';
import type { Server } from '../store/database/server.ts';
import { workerRevision } from '../store/database/worker_schema.ts';
import { tryWriting } from '../store/database/writing.ts';
import {
  readCatalogue,
  readEmptied,
  readInvalidIndexes,
  readOtherErrands,
} from '../store/doctor/catalogue.ts';
import { readLimitFacts } from '../store/doctor/limit_facts.ts';
import { comparable, expectedObjects, readManifest } from '../store/doctor/manifest.ts';
import { readOpenTasks, readPoolFacts } from '../store/doctor/pool_facts.ts';
import { readQueueFacts } from '../store/doctor/queue_facts.ts';
import { readScheduleFacts } from '../store/doctor/schedule_facts.ts';
import { attempt, notExamined } from './attempt.ts';
import { judgeDrift } from './drift.ts';
import { error, type Finding, ok } from './finding.ts';
import { judgeLimits } from './limits.ts';
import { isLive, judgeNames, judgeRunners } from './pool.ts';
import { judgeQueue, OVERDUE_SECS } from './queue.ts';
import { judgeSchedules } from './schedules.ts';
import { type Around, judgeEmptied, judgeMigrations } from './schema.ts';
import { NEWEST_TESTED } from './server.ts';

export type LedgerLook = { config: Config; pool: Pool; server: Server; isWritable: boolean };

/** Looks at the schema and, if Errand is there, at the pool and the queue. */
export async function examineLedger(look: LedgerLook): Promise<Finding[]> {
  const { config, pool } = look;
  const planned = await planMigration(pool).catch((thrown: unknown) => ({ thrown }));
  if ('thrown' in planned) return [judgeRefusal(planned.thrown)];
  const judged = judgeMigrations(planned, schemasFor(config), VERSION, await readAround(pool, planned));
  if (planned.makesTable) return [judged];
  return [
    judged,
    ...(await attempt('schema', 'the objects of the schemas', () => examineDrift(look, planned))),
    ...(await attempt('schema', 'rows that must be there', async () =>
      judgeEmptied(await readEmptied(pool), schemasFor(config)),
    )),
    ...(look.isWritable ? await examineWriting(pool) : []),
    ...(await examinePool(look)),
  ];
}

/** The message of a refusal says what to do after "Nothing was changed". */
function judgeRefusal(thrown: unknown): Finding {
  const isRefused = !isForbidden(thrown) && !isTimeout(thrown) && !isConnectionFailure(thrown);
  const [message = '', remedy] = messageOf(thrown).split('. Nothing was changed. ');
  if (isRefused && remedy !== undefined) return error('schema_refused', { message, remedy });
  return notExamined('schema', 'the schemas of Errand', thrown);
}

/** Read only where it matters. */
async function readAround(pool: Pool, plan: MigrationPlan): Promise<Around> {
  if (plan.transactions.length === 0) return { hasTasks: true, others: [] };
  const objects = await readCatalogue(pool);
  return {
    hasTasks: objects.some(({ kind, name }) => kind === 'table' && name === 'errand.tasks'),
    others: await readOtherErrands(pool),
  };
}

/** A row that is rolled back. A role without the right to write has its own finding. */
async function examineWriting(pool: Pool): Promise<Finding[]> {
  try {
    await tryWriting(pool, true);
    return [];
  } catch (thrown) {
    if (isForbidden(thrown)) return [];
    return [
      error('write_failed', {
        message: `A task can't be inserted: ${messageOf(thrown)}`,
        remedy: isTimeout(thrown)
          ? 'Look at the finding locked'
          : 'If the disk is full, make space there. Otherwise look at the log of Postgres, and at the findings about the schema',
      }),
    ];
  }
}

async function examineDrift({ config, pool, server }: LedgerLook, plan: MigrationPlan): Promise<Finding[]> {
  const isOurs = plan.worker === null && plan.transactions.length === 0 && plan.unknown.length === 0;
  if (!isOurs)
    return [
      ok(
        'drift',
        'The objects of the schemas were not compared, because this version does not know how they must be',
      ),
    ];
  const schemas = schemasFor(config);
  const manifest = await readManifest();
  // A later release of graphile-worker may have been installed, which has another schema.
  const knowsWorker = (await workerRevision(pool)) === manifest.worker_revision;
  const isKnown = ({ name }: { name: string }): boolean => knowsWorker || !name.startsWith('errand_worker.');
  const found = await readCatalogue(pool);
  return judgeDrift({
    expected: expectedObjects(manifest, schemas, server.versionNumber).filter(isKnown),
    found: found.map((one) => ({ ...one, text: comparable(one.text, schemas) })).filter(isKnown),
    invalid: await readInvalidIndexes(pool),
    schemas,
    isUntested: Math.floor(server.versionNumber / 10_000) > NEWEST_TESTED,
  });
}

async function examinePool({ config, pool }: LedgerLook): Promise<Finding[]> {
  const kept = { finished: config.RETENTION_HOURS, failed: config.FAILED_RETENTION_HOURS };
  let live = 0;
  const runners = await attempt('pool', 'the runners', async () => {
    const facts = await readPoolFacts(pool);
    live = facts.runners.filter((runner) => isLive(runner) && !runner.isForOneTask).length;
    return judgeRunners(facts, VERSION);
  });
  const open = await attempt('pool', 'the open tasks', async () => {
    const tasks = await readOpenTasks(pool);
    const queue = await attempt('queue', 'the dispatches', async () =>
      judgeQueue(await readQueueFacts(pool, OVERDUE_SECS, kept), tasks, live),
    );
    return [...judgeNames(tasks, live), ...queue];
  });
  const schedules = await attempt('queue', 'the schedules', async () =>
    judgeSchedules(await readScheduleFacts(pool, OVERDUE_SECS), live),
  );
  const limits = await attempt('queue', 'the limits', async () => judgeLimits(await readLimitFacts(pool)));
  return [...runners, ...open, ...schedules, ...limits];
}
