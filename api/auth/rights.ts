import { isOwnNamespace } from '../../core/registry.ts';
import { SCOPES, type Scope } from './principal.ts';

/** Stands for every namespace, including future ones. */
export const ALL_NAMESPACES = '*';

/** A namespace: the part of a task's name before the first dot (specification T6). */
export const NAMESPACE_PATTERN = /^[a-z][a-z0-9_]{0,127}$/;

/**
 * The namespaces of a credential in the form of a Principal: null for all. An invalid namespace gives no
 * rights and is dropped, because the value would reach Postgres. The namespaces of built-in tasks are dropped
 * too: these tasks work on all namespaces, and their initiator can see them anyway.
 */
export function namespacesOf(listed: readonly string[]): readonly string[] | null {
  if (listed.includes(ALL_NAMESPACES)) return null;
  return [...new Set(listed)].filter(
    (namespace) => NAMESPACE_PATTERN.test(namespace) && !isOwnNamespace(namespace),
  );
}

/** The scopes among these words. Other words are meant for other services that accept the same token. */
export function scopesOf(words: readonly string[]): ReadonlySet<Scope> {
  return new Set(SCOPES.filter((scope) => words.includes(scope)));
}
