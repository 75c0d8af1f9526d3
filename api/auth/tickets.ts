import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../../store/database/pool.ts';
import { readTicketKey } from '../../store/database/ticket_key.ts';
import type { Holds, Principal, Scope } from './principal.ts';
import { refusal } from './refusal.ts';

/** How long a ticket is valid after its issue. */
const LIFETIME_MS = 60_000;
/** After this time, the next use reads the key and the time again. */
const KEY_AGE_MS = 60_000;
/** A normal ticket, with the names of one principal and one task, is much shorter. */
export const MAX_TICKET_LENGTH = 4_096;
const TICKET = /^([\w-]+)\.([\w-]{43})$/;

/**
 * Tickets replace credentials where a client cannot send headers: in the URL of an EventSource. A ticket is
 * valid for one minute and one path, and only for reading. Every process accepts the tickets of all others.
 */
export type Tickets = {
  issue(principal: Principal, path: string): Promise<{ ticket: string; expiresAt: Date }>;
  /** The principal of a ticket. Throws UNAUTHORIZED if the ticket is invalid or is for another path. */
  principalOf(ticket: string, path: string): Promise<Principal>;
};

const claimsSchema = z.strictObject({
  path: z.string(),
  untilMs: z.number(),
  actor: z.string(),
  namespaces: z.array(z.string()).nullable(),
  /** When the credentials behind the ticket expire. A stream ends at that time. */
  endsAtMs: z.number().optional(),
  credential: z.string().optional(),
});
type Claims = z.output<typeof claimsSchema>;
type Bounds = Pick<Principal, 'endsAtMs' | 'credential'>;

/**
 * Makes tickets, signed (HMAC-SHA256) with a key that all processes read from Postgres. Times follow the
 * clock of Postgres. A ticket is valid only as long as the credentials behind it.
 */
export function createTickets(database: Database, holds: Holds = () => true): Tickets {
  const current = keyReader(database);
  return {
    async issue(principal, path) {
      const { actor, namespaces } = principal;
      const { key, nowMs } = await current();
      const untilMs = nowMs + LIFETIME_MS;
      const claims: Claims = {
        path: normal(path),
        untilMs,
        actor,
        namespaces: namespaces && [...namespaces],
        ...boundsOf(principal),
      };
      const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
      return {
        ticket: `${text}.${signature(key, text).toString('base64url')}`,
        expiresAt: new Date(untilMs),
      };
    },
    async principalOf(ticket, path) {
      const [, text = '', signed = ''] = (ticket.length <= MAX_TICKET_LENGTH && TICKET.exec(ticket)) || [];
      if (text === '') throw refusal('The ticket is malformed: get one from POST /v1/stream-tickets');
      const { key, nowMs } = await current();
      if (!timingSafeEqual(signature(key, text), Buffer.from(signed, 'base64url'))) {
        throw refusal('This API has not issued the ticket: get one from POST /v1/stream-tickets');
      }
      const claims = claimsSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
      if (claims.untilMs <= nowMs)
        throw refusal('The ticket has expired: get a new one from POST /v1/stream-tickets');
      if (claims.path !== normal(path)) throw refusal('The ticket is for another path');
      const { actor, namespaces } = claims;
      const principal = { actor, namespaces, scopes: new Set<Scope>(['read']), ...boundsOf(claims) };
      if (!holds(principal)) throw refusal('The credentials of the ticket were revoked');
      return principal;
    },
  };
}

/** When credentials expire, and the identity by which they can be revoked. */
function boundsOf({ endsAtMs, credential }: { [Bound in keyof Bounds]: Bounds[Bound] | undefined }): Bounds {
  return {
    ...(endsAtMs === undefined ? {} : { endsAtMs }),
    ...(credential === undefined ? {} : { credential }),
  };
}

/**
 * Reads the key and the time when they are needed, at most once per KEY_AGE_MS. Between reads, the monotonic
 * clock continues the time.
 */
function keyReader(database: Database): () => Promise<{ key: Buffer; nowMs: number }> {
  let read: Promise<{ key: Buffer; nowMs: number; at: number }> | undefined;
  let readAt = 0;
  return async () => {
    if (read === undefined || performance.now() - readAt > KEY_AGE_MS) {
      readAt = performance.now();
      read = readTicketKey(database).then((row) => ({ ...row, at: performance.now() }));
    }
    const { key, nowMs, at } = await read.catch((error: unknown) => {
      read = undefined;
      throw error;
    });
    return { key, nowMs: nowMs + performance.now() - at };
  };
}

function signature(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** One spelling for each path. */
function normal(path: string): string {
  return path.toLowerCase().replace(/\/$/, '');
}
