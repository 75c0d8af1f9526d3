import type { RequestListener } from 'node:http';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { createApp } from '../../api/app.ts';
import { createState } from '../../api/capacity/state.ts';
import { parseConfig } from '../../config/load.ts';
import { registry } from './definitions.ts';

/** No rate limits, because one client sends all requests. */
const UNLIMITED = {
  RATE_LIMIT_READS: '0',
  RATE_LIMIT_WRITES: '0',
  RATE_LIMIT_WEBHOOKS: '0',
  RATE_LIMIT_BURST: '0',
};

/** The API over a pool as in production, but without limits, log and authentication. */
export function apiOver(pool: Pool): RequestListener {
  const state = createState();
  state.started();
  const { app } = createApp({
    config: parseConfig(UNLIMITED),
    registry,
    pool,
    readPool: pool,
    log: pino({ level: 'silent' }),
    state,
    authenticate: null,
    probeSource: { process: 'api', isDraining: () => false, checks: async () => [] },
    stopping: new AbortController().signal,
    validateResponses: false,
  });
  return app;
}
