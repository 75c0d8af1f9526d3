/** The schemas of one Errand in a database. Two Errands with other schemas can share a database. */
export type Schemas = {
  /** Its ledger. */
  errand: string;
  /** Its graphile-worker. */
  worker: string;
};

declare module 'pg' {
  interface ClientConfig {
    /**
     * The schemas that replace `errand` and `errand_worker` in statements. Undefined: these two.
     */
    schemas?: Schemas;
  }
}

export const DEFAULT_SCHEMAS: Schemas = { errand: 'errand', worker: 'errand_worker' };

/** The schemas of a pool or another connection, by its options. */
export function schemasOf({ schemas }: { schemas?: Schemas }): Schemas {
  return schemas ?? DEFAULT_SCHEMAS;
}

/** Whether statements need no replacement. */
export function areDefault({ errand, worker }: Schemas): boolean {
  return errand === DEFAULT_SCHEMAS.errand && worker === DEFAULT_SCHEMAS.worker;
}

/**
 * A complete word that may be the name of a schema: not a part of a longer one, and not after a
 * dot.
 */
const NAME = '(?<![\\w.$])(?:errand_worker|errand)(?![\\w$])';

/**
 * The parts of an SQL text that may contain names of schemas, or that hide them. The first match at
 * a place counts, so comments, texts and quoted names hide their contents. A function body between
 * `$$` is SQL, so it is searched too.
 */
const PARTS = new RegExp(
  [
    // Comments.
    '--[^\\n]*',
    '/\\*[\\s\\S]*?\\*/',
    '"(?:[^"]|"")*"',
    // A text that Postgres reads as a name: 'errand.tasks'::regclass, to_regclass('errand.tasks').
    "(?<call>\\bto_reg[a-z]+\\(\\s*)'(?<called>[^']*)'",
    "'(?<cast>[^']*)'(?=::reg[a-z]+\\b)",
    // Any other text, with or without backslash escapes.
    "\\b[eE]'(?:[^'\\\\]|''|\\\\[\\s\\S])*'",
    "'(?:[^']|'')*'",
    // A name before a dot.
    `(?<qualified>${NAME})(?=\\s*\\.)`,
    // Names after the word: create schema, grant usage on schema a, b.
    '\\bschema\\s+(?:if\\s+(?:not\\s+)?exists\\s+)?(?:[a-z_]\\w*\\s*,\\s*)*[a-z_]\\w*',
  ].join('|'),
  'gi',
);
const NAMES = new RegExp(NAME, 'g');

/**
 * A statement, or the text of a migration, with the names of these schemas instead of `errand` and
 * `errand_worker`. The name of a schema is before a dot, after the word `schema`, or in a text that
 * Postgres reads as a name (`'errand.tasks'::regclass`, `to_regclass('errand.tasks')`). All other
 * texts, such as the name of a task (`'errand.bulk'`), and comments stay. The names are quoted,
 * because a name may be an SQL keyword.
 */
export function inSchemas(sql: string, schemas: Schemas): string {
  if (areDefault(schemas)) return sql;
  const named = (text: string): string =>
    text.replaceAll(
      NAMES,
      (name) => `"${name === DEFAULT_SCHEMAS.errand ? schemas.errand : schemas.worker}"`,
    );
  return sql.replaceAll(PARTS, (part: string, ...rest: unknown[]) => {
    const groups = rest.at(-1) as { called?: string; cast?: string; qualified?: string };
    if (groups.called !== undefined || groups.cast !== undefined || groups.qualified !== undefined)
      return named(part);
    return /^schema\s/i.test(part) ? named(part) : part;
  });
}

/** The topics of Errand's notifications. */
export type Topic = 'cancel' | 'pause' | 'schedule' | 'handed_on' | 'tasks' | 'lines';

/**
 * The channel of a topic. Another Errand in the database has other channels. In SQL it is
 * errand.channel.
 */
export function channelOf(topic: Topic, schemas: Schemas): string {
  return `${schemas.errand}_${topic}`;
}
