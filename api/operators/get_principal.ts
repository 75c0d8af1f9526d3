import type { JsonSchema } from '../../core/schema.ts';
import { SCOPES } from '../auth/principal.ts';
import type { Operation } from '../context.ts';
import { callerFailures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';

/** The component schema of the caller of a request. */
export const principalSchemas: Record<string, JsonSchema> = {
  Principal: object('The caller of this request, and its rights', {
    actor: {
      type: 'string',
      description: '`user:<sub>`, `key:<id>` or `anonymous`, as the audit trail names it',
    },
    scopes: {
      type: 'array',
      items: { type: 'string', enum: [...SCOPES] },
      description: 'The scopes of the caller',
    },
    namespaces: {
      type: ['array', 'null'],
      items: { type: 'string' },
      description: 'The namespaces in which they hold. Null means all',
    },
    expires_at: {
      type: ['string', 'null'],
      format: 'date-time',
      description: 'When the credentials expire. Null if they never do',
    },
    authentication: {
      type: 'boolean',
      description: 'Whether this API asks for credentials. If it does not, everybody may do everything',
    },
  }),
};

/** The path of the caller. */
export function principalPaths(): Paths {
  return {
    '/v1/principal': {
      get: {
        tags: ['process'],
        operationId: 'getPrincipal',
        summary: 'Read who the credentials of this request stand for, and what they allow',
        responses: { 200: jsonAnswer('The caller', ref('Principal')), ...callerFailures() },
      },
    },
  };
}

/**
 * `GET /v1/principal` (specification U7): the dashboard hides what its user may not do. The other operations
 * refuse it, whatever a client shows. Without credentials, a caller may at most read (AUTH_READS=false).
 */
export const getPrincipal: Operation = async ({ principal, isAuthenticationOn }, _request, response) => {
  const { actor, namespaces, scopes, endsAtMs } = principal;
  const isUnknown = isAuthenticationOn && actor === 'anonymous';
  response.json({
    actor,
    scopes: isUnknown ? ['read'] : [...scopes],
    namespaces,
    expires_at: endsAtMs === undefined ? null : new Date(endsAtMs).toISOString(),
    authentication: isAuthenticationOn,
  });
};
