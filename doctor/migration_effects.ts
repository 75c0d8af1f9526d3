/** The effect of a statement of a migration on others while it runs. */
export type Effect = {
  /** The table as it is written, such as `errand.tasks`. */
  table: string;
  effect: string;
};

type Rule = { pattern: RegExp; effect: string };

/** By Postgres's documentation of its commands and of explicit locking. The first that fits counts. */
const RULES: readonly Rule[] = [
  {
    pattern:
      /^alter table (?:if exists )?(?:only )?(?<table>[\w.]+) .*\balter (?:column )?\w+ (?:set data )?type\b/,
    effect: 'rewrites it, and nobody can read or write it meanwhile',
  },
  {
    pattern:
      /^alter table (?:if exists )?(?:only )?(?<table>[\w.]+) .*\badd column .* generated always as .* stored/,
    effect: 'rewrites it, and nobody can read or write it meanwhile',
  },
  {
    pattern:
      /^alter table (?:if exists )?(?:only )?(?<table>[\w.]+) .*\badd (?:constraint \w+ )?(?:check|foreign key|unique|primary key)(?!.*\bnot valid\b)/,
    effect: 'reads all of it, and nobody can write it meanwhile',
  },
  {
    pattern: /^alter table (?:if exists )?(?:only )?(?<table>[\w.]+) .*\bset not null\b/,
    effect: 'reads all of it, and nobody can read or write it meanwhile',
  },
  {
    pattern: /^alter table (?:if exists )?(?:only )?(?<table>[\w.]+) .*\bvalidate constraint\b/,
    effect: 'reads all of it; others go on',
  },
  {
    pattern: /^alter table (?:if exists )?(?:only )?(?<table>[\w.]+) /,
    effect: 'locks it for a moment',
  },
  {
    pattern: /^create (?:unique )?index concurrently .*\bon (?:only )?(?<table>[\w.]+)/,
    effect: 'reads all of it; others go on',
  },
  {
    pattern: /^create (?:unique )?index .*\bon (?:only )?(?<table>[\w.]+)/,
    effect: 'reads all of it, and nobody can write it meanwhile',
  },
  {
    pattern: /^create (?:or replace )?(?:constraint )?trigger .*\bon (?<table>[\w.]+)/,
    effect: 'locks it for a moment against writes',
  },
  { pattern: /^drop table (?:if exists )?(?<table>[\w.]+)/, effect: 'removes it with all its rows' },
  { pattern: /^drop trigger .*\bon (?<table>[\w.]+)/, effect: 'locks it for a moment' },
  {
    pattern: /^(?:update|delete from|insert into) (?:only )?(?<table>[\w.]+)/,
    effect: 'writes rows of it, which stay locked until the end',
  },
];

/**
 * The effects of the statements of a migration on tables that are there before it, in their order. Tables
 * that the text itself creates are left out: nobody uses them yet. Statements within function bodies
 * and `do` blocks are not looked at. Functions lock no table.
 */
export function effectsOf(sql: string): Effect[] {
  const statements = statementsOf(sql);
  const created = new Set(
    statements.flatMap(
      (text) => /^create (?:unlogged )?table (?:if not exists )?([\w.]+)/.exec(text)?.[1] ?? [],
    ),
  );
  const effects = statements.flatMap((text): Effect[] => {
    for (const { pattern, effect } of RULES) {
      const table = pattern.exec(text)?.groups?.table;
      if (table !== undefined) return created.has(table) ? [] : [{ table, effect }];
    }
    return [];
  });
  const seen = new Map(effects.map((one) => [`${one.table} ${one.effect}`, one]));
  return [...seen.values()];
}

/** Statements in lower case, each on one line, without comments, texts and bodies. */
function statementsOf(sql: string): string[] {
  return sql
    .replaceAll(/(\$\w*\$)[\s\S]*?\1/g, "''")
    .replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/'(?:[^']|'')*'/g, "''")
    .replaceAll('"', '')
    .split(';')
    .map((text) => text.replaceAll(/\s+/g, ' ').trim().toLowerCase())
    .filter((text) => text !== '');
}
