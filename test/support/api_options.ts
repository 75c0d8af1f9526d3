import type { Pool } from 'pg';
import { pino } from 'pino';
import type { AppOptions } from '../../api/app.ts';
import { createState } from '../../api/capacity/state.ts';
import { parseConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { loadRegistry } from '../../tasks/index.ts';
import { UNLIMITED } from './unlimited.ts';

/** The configuration of an API in a test. It has no rate limits, unless the test is about them. */
export function testConfig(environment: Record<string, string> = {}): Config {
  return parseConfig({ NODE_ENV: 'test', ...UNLIMITED, ...environment });
}

/** Shared by all tests of a process, so that its validators are compiled once. */
const registry = loadRegistry({ NODE_ENV: 'test' });

/**
 * The options of an API on a database. Responses are checked against openapi.yaml. The API is up
 * until `stopping` is aborted.
 */
export function appOptions(
  pool: Pool,
  stopping: AbortSignal,
  environment: Record<string, string> = {},
): AppOptions {
  const state = createState();
  state.started();
  return {
    config: testConfig(environment),
    registry,
    pool,
    readPool: pool,
    log: pino({ level: 'silent' }),
    state,
    authenticate: null,
    probeSource: { process: 'api', isDraining: () => stopping.aborted, checks: async () => [] },
    stopping,
    validateResponses: true,
  };
}
