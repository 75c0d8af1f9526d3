/**
 * The tasks that a caller may see and act on: those of these namespaces, and Errand's built-in
 * tasks (`errand.…`, `webhook.…`) that it initiated. Null means all tasks.
 */
export type Visibility = { namespaces: readonly string[]; actor: string } | null;

/**
 * The SQL condition on a task called `t`, for a placeholder of the namespaces and one of the actor.
 * Only Errand itself can submit tasks of `errand.…` and `webhook.…`, so their initiator can be
 * trusted.
 */
export function isVisible(namespaces: string, actor: string): string {
  return `(${namespaces}::text[] is null
          or split_part(t.name, '.', 1) = any (${namespaces})
          or (errand.is_own_namespace(split_part(t.name, '.', 1)) and t.initiator = ${actor}))`;
}

/** The values of these two placeholders. */
export function visibilityValues(visibility: Visibility): [readonly string[] | null, string | null] {
  return visibility === null ? [null, null] : [visibility.namespaces, visibility.actor];
}
