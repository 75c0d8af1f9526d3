/** Of which tasks figures are: of these namespaces (null: of all), and of this name, or one of these, if any is given. */
export type Scope = {
  namespaces: readonly string[] | null;
  name?: string | undefined;
  names?: readonly string[];
};

/** The known names in scope, as `names`, for the first two placeholders of a statement. They are few. */
export const NAMES_IN_SCOPE = `
  names as materialized (
    select d.name
      from errand.definitions d
     where ($1::text[] is null or d.namespace = any ($1))
       and ($2::text[] is null or d.name = any ($2))
  )`;

/** The values of those placeholders. */
export function scopeValues({ namespaces, name, names }: Scope): unknown[] {
  return [namespaces, names ?? (name === undefined ? null : [name])];
}
