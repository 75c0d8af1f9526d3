import type { JsonSchema } from '../../core/schema.ts';
import type { Policy } from '../auth/identify.ts';
import type { Security } from './document.ts';

/** The ways to say who one is. Requests are held against them by auth/identify.ts, never by the validator of requests. */
export const securitySchemes: Record<string, JsonSchema> = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token as JWT_… of the configuration wants it: its scopes say what it may do',
  },
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'A key of API_KEYS in the configuration',
  },
};

/**
 * What an operation asks of its caller by its policy: either of the two with this scope, or nothing. Without a policy it would
 * be either with any: such an operation stops the start of the process (operations.ts).
 */
export function securityOf(policy: Policy | undefined): Security {
  if (policy === 'open' || policy === 'signed') return [];
  const scopes = policy === undefined ? [] : [policy];
  return Object.keys(securitySchemes).map((scheme) => ({ [scheme]: scopes }));
}
