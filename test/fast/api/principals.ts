import type { Authenticate, Principal, Scope } from '../../../api/auth/principal.ts';
import { SCOPES } from '../../../api/auth/principal.ts';
import { ErrandError } from '../../../core/errors.ts';

/** Who calls, by the word that stands in X-API-Key: `ann of billing`, `ann of billing,shipping may read`. */
export const authenticateByWords: Authenticate = async ({ apiKey }) => {
  if (apiKey === undefined) return null;
  const [, actor, namespaces, scopes] = /^(\w+) of (\S+)(?: may (\S+))?$/.exec(apiKey) ?? [];
  if (actor === undefined || namespaces === undefined) throw new ErrandError('UNAUTHORIZED', 'Unknown');
  return {
    actor: `user:${actor}`,
    namespaces: namespaces === '*' ? null : namespaces.split(','),
    scopes: new Set((scopes?.split(',') ?? SCOPES) as Scope[]),
  } satisfies Principal;
};

/** The header that says who calls. */
export const as = (words: string): Record<string, string> => ({ 'x-api-key': words });
