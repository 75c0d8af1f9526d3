/**
 * What a caller may see and act on: tasks of these namespaces, and Errand's own tasks (`errand.…`, `webhook.…`) that work for it.
 * Null is everything.
 */
export type Visibility = { namespaces: readonly string[]; actor: string } | null;

/**
 * The condition on a task called `t`, for a placeholder of the namespaces and one of the actor. Nobody can submit
 * tasks of `errand.…` and `webhook.…` but Errand itself, so their initiator is true.
 */
export function isVisible(namespaces: string, actor: string): string {
  return `(${namespaces}::text[] is null
          or split_part(t.name, '.', 1) = any (${namespaces})
          or (errand.is_own_namespace(split_part(t.name, '.', 1)) and t.initiator = ${actor}))`;
}

/** The values of those two placeholders. */
export function visibilityValues(visibility: Visibility): [readonly string[] | null, string | null] {
  return visibility === null ? [null, null] : [visibility.namespaces, visibility.actor];
}
