import type { Principal, Scope } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';

/** Who the credentials stand for. */
export function usePrincipal() {
  return useRead<Principal>(['principal'], '/v1/principal', { staleTime: 60_000 });
}

/** Whether the user has a scope. While that is not known, no. */
export function useMay(scope: Scope): boolean {
  return usePrincipal().data?.scopes.includes(scope) ?? false;
}
