import { isOwnNamespace } from '../../core/registry.ts';
import { SCOPES, type Scope } from './principal.ts';

/** Stands for every namespace, those to come included. */
export const ALL_NAMESPACES = '*';

/** A namespace: the part of a task's name before the first dot (specification T6). */
export const NAMESPACE_PATTERN = /^[a-z][a-z0-9_]{0,127}$/;

/**
 * The namespaces that a credential lists, as a Principal has them: null for all. What can be no namespace gives
 * no right to anything, and is left out, as it would reach Postgres. So are those of Errand's own tasks, which work on
 * all namespaces: who started one sees it anyway.
 */
export function namespacesOf(listed: readonly string[]): readonly string[] | null {
  if (listed.includes(ALL_NAMESPACES)) return null;
  return [...new Set(listed)].filter(
    (namespace) => NAMESPACE_PATTERN.test(namespace) && !isOwnNamespace(namespace),
  );
}

/** The scopes among these words. Others are meant for other services that take the same token. */
export function scopesOf(words: readonly string[]): ReadonlySet<Scope> {
  return new Set(SCOPES.filter((scope) => words.includes(scope)));
}
