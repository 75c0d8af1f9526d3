import type { Request } from 'express';
import { z } from 'zod';
import type { Act } from '../store/audit.ts';
import type { Call } from './call.ts';
import { parseQuery, requestId } from './request.ts';

const querySchema = z.object({ reason: z.string().optional() });

/** What the audit trail is to say of an operator's request; the reason is that of `?reason=` unless given. */
export function actOf(call: Call, request: Request, reason?: string): Act {
  return {
    actor: call.principal.actor,
    reason: reason ?? parseQuery(querySchema, request).reason ?? null,
    requestId: requestId(request),
  };
}
