import type { Request } from 'express';
import type { Pool } from 'pg';
import { createRounds, type Rounds } from '../../core/concurrency/rounds.ts';
import { ErrandError } from '../../core/errors.ts';
import type { PoolUse } from '../../store/operators/cancellable.ts';
import { clientOf } from '../auth/identify.ts';

/** How many requests of one client may wait for a connection. More are refused. */
const WAITING_PER_CLIENT = 32;
/** Time limit of a heavy read. A read that takes longer asks for too much. */
const HEAVY_READ_MS = 10_000;
const RETRY_AFTER_SECS = '1';

/** Shares the connections of the pools, so that one client cannot block another. */
export type PoolShares = {
  /** All writes except single submissions: batches, and the actions of operators. */
  writes(request: Request): PoolUse;
  /** Reads that may scan much of the ledger. */
  heavyReads(request: Request): PoolUse;
};

/**
 * Keeps more than half of the write connections for single submissions, and half of the read connections for
 * cheap reads. A client may use at most half of the remaining connections at a time, and clients take turns.
 * A heavy read is cancelled after HEAVY_READ_MS.
 */
export function sharePools(writes: Pool, reads: Pool): PoolShares {
  const writeRounds = roundsOf((writes.options.max ?? 10) * 0.4);
  const heavyRounds = roundsOf((reads.options.max ?? 10) * 0.5);
  return {
    writes: (request) => ({ turn: turnOf(writeRounds, request) }),
    heavyReads: (request) => ({ turn: turnOf(heavyRounds, request), limitMs: HEAVY_READ_MS }),
  };
}

function roundsOf(connections: number): Rounds {
  const total = Math.max(1, Math.floor(connections));
  const perClient = Math.max(1, Math.floor(total / 2));
  return createRounds({ total, perClient, waitingPerClient: WAITING_PER_CLIENT });
}

function turnOf(rounds: Rounds, request: Request): NonNullable<PoolUse['turn']> {
  return (signal) => rounds.take(clientOf(request), signal, tooMany);
}

function tooMany(): ErrandError {
  return new ErrandError(
    'RATE_LIMITED',
    `${WAITING_PER_CLIENT} requests of this client are already waiting for the database: send fewer at a time`,
    { reason: 'pool_share', headers: { 'Retry-After': RETRY_AFTER_SECS } },
  );
}
