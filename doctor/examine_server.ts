import type { ClientConfig, Pool } from 'pg';
import { schemasFor } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { inSchemas } from '../store/database/schemas.ts';
import { ERROR_INDEX_SQL, type Server } from '../store/database/server.ts';
import { examineWay } from '../store/doctor/pooler.ts';
import { readRights } from '../store/doctor/rights.ts';
import {
  measureClock,
  readBlockers,
  readCollation,
  readHolders,
  readServerFacts,
} from '../store/doctor/server_facts.ts';
import { attempt } from './attempt.ts';
import type { Finding } from './finding.ts';
import { judgeOwners } from './schema.ts';
import { judgeBlockers, judgeClock, judgeHolders, judgeRights, judgeWay } from './server.ts';
import { judgeCollation, judgeConnections, judgeReserves, judgeSettings, judgeTrigrams } from './settings.ts';

/** The fetch of a busy queue gets slow when rows stay for longer than this. */
const LONG_TRANSACTION_SECS = 600;
/** Statements of Errand take milliseconds. */
const LOCKED_SECS = 3;
/** A runner has one connection for its lease and one that listens (docs/scaling.md). */
const MORE_OF_RUNNER = 2;
/** An API process listens on one. */
const MORE_OF_API = 1;

export type ServerLook = {
  config: Config;
  connection: ClientConfig;
  pool: Pool;
  server: Server;
  isWritable: boolean;
};

/** Looks at the server, at the way to it, and at the rights of this role. */
export async function examineServer({
  config,
  connection,
  pool,
  server,
  isWritable,
}: ServerLook): Promise<Finding[]> {
  const schemas = schemasFor(config);
  const needed = {
    api: config.DATABASE_POOL_SIZE + config.DATABASE_READ_POOL_SIZE + MORE_OF_API,
    runner: config.DATABASE_POOL_SIZE + MORE_OF_RUNNER,
  };
  const looks = [
    attempt('server', 'the way to the server', async () =>
      judgeWay(await examineWay(connection, isWritable)),
    ),
    attempt('server', 'the clock of the server', async () => [judgeClock(await measureClock(pool))]),
    attempt('server', 'the rights of this role', async () => {
      const rights = await readRights(pool);
      return [...judgeRights(rights), ...judgeOwners(rights.owners)];
    }),
    attempt('server', 'the settings of the server', async () => {
      const facts = await readServerFacts(pool);
      const sql = inSchemas(ERROR_INDEX_SQL, schemas).replaceAll('\n', ' ');
      return [
        ...judgeSettings(facts),
        ...judgeConnections(facts, needed),
        ...judgeReserves(facts),
        ...judgeTrigrams(facts, sql),
      ];
    }),
    attempt('server', 'the order of texts', async () =>
      judgeCollation(await readCollation(pool, server.versionNumber), server.database),
    ),
    attempt('server', 'long transactions', async () =>
      judgeHolders(await readHolders(pool, LONG_TRANSACTION_SECS)),
    ),
    attempt('server', 'locks', async () => judgeBlockers(await readBlockers(pool, LOCKED_SECS))),
  ];
  return (await Promise.all(looks)).flat();
}
