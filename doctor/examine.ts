import type { ClientConfig, Pool } from 'pg';
import { schemasFor } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { connectionConfig, explainFailure } from '../process/database.ts';
import { openPool } from '../store/database/pool.ts';
import { readServer } from '../store/database/server.ts';
import { serverAddress } from '../store/doctor/pooler.ts';
import { judgeAddresses, tryAddresses } from './addresses.ts';
import { notExamined } from './attempt.ts';
import { examineConfiguration } from './configuration.ts';
import { examineLedger } from './examine_ledger.ts';
import { examineServer } from './examine_server.ts';
import { AREAS, error, type Finding } from './finding.ts';
import { judgeServer } from './server.ts';

/** One read of the catalogue takes milliseconds. A longer one waits for a lock, or for a busy server. */
const STATEMENT_TIMEOUT_MS = 10_000;

/**
 * Looks at the configuration of this process, and at the server, the schema, the pool and the queue
 * that it names. Changes nothing. If something can't be looked at, that is a finding too, so it throws
 * only for faults of Errand. The findings are in the order of AREAS.
 */
export async function examine(): Promise<Finding[]> {
  const { config, findings } = examineConfiguration();
  if (config === null) return findings;
  const connection = connectionConfig(config);
  const pool = openPool({
    connectionString: connection.connectionString,
    schemas: schemasFor(config),
    applicationName: 'errand doctor',
    size: 2,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onError: () => {},
  });
  try {
    const found = [...findings, ...(await examineDatabase(config, connection, pool))];
    return found.sort((one, other) => AREAS.indexOf(one.area) - AREAS.indexOf(other.area));
  } finally {
    await pool.end();
  }
}

async function examineDatabase(config: Config, connection: ClientConfig, pool: Pool): Promise<Finding[]> {
  const reached = await readServer(pool).catch((thrown: unknown) => ({ thrown }));
  if ('thrown' in reached) return judgeUnreachable(reached.thrown, config, connection);
  const judged = judgeServer(reached);
  if (judged.some(({ code, severity }) => severity === 'error' && code !== 'server_read_only')) return judged;
  const isWritable = judged.every(({ code }) => code !== 'server_read_only');
  return [
    ...judged,
    ...(await examineAddresses(connection, true)),
    ...(await examineServer({ config, connection, pool, server: reached, isWritable })),
    ...(await examineLedger({ config, pool, server: reached, isWritable })),
  ];
}

/** Nothing else can be looked at. An address that can be reached although Postgres can't be used is said, too. */
async function judgeUnreachable(
  thrown: unknown,
  config: Config,
  connection: ClientConfig,
): Promise<Finding[]> {
  const { message, advice } = explainFailure(thrown, config);
  return [
    error('server_unreachable', { message: `This process ${message}`, remedy: advice }),
    ...(await examineAddresses(connection, false)),
  ];
}

async function examineAddresses(connection: ClientConfig, isReached: boolean): Promise<Finding[]> {
  try {
    const { host, port } = serverAddress(connection);
    const tried = await tryAddresses(host, port);
    // One address alone: the finding about the server says it.
    return tried.length > 1 ? judgeAddresses(host, tried) : [];
  } catch (thrown) {
    if (!isReached) return [];
    return [notExamined('server', 'the addresses of the server', thrown)];
  }
}
