import type { Pool } from 'pg';
import { NATIVE_SINCE, readMigrationFiles } from '../../store/database/migration_files.ts';

const HEAD = `-- The schema that all of migrations/ makes, for readers: tables, constraints, indexes, triggers, and
-- the signatures of functions. The files of migrations/ explain it.
-- Written by \`npm run schema\` from the catalogue. Do not edit.
`;

type Table = { name: string; parts: string[]; options: string | null; after: string[] };
type Function = { name: string; signature: string; attributes: string };

/** The schema `errand` of a migrated database, as SQL for readers: the same text for the same schema. */
export async function schemaText(pool: Pool): Promise<string> {
  const [tables, functions] = await Promise.all([readTables(pool), readFunctions(pool)]);
  return [
    HEAD,
    ...tables.map(
      ({ name, parts, options, after }) =>
        `create table errand.${name} (\n${parts.map((part) => `  ${part}`).join(',\n')}\n)${options === null ? '' : ` with (${options})`};\n${after.map((line) => `${line};\n`).join('')}`,
    ),
    functions.map(({ signature, attributes }) => `-- ${signature}\n--   ${attributes}\n`).join(''),
  ]
    .join('\n')
    .replaceAll('timestamp with time zone', 'timestamptz')
    .replaceAll('double precision', 'float8');
}

/** With their columns in order, then their constraints; what is made after a table stands behind it. */
async function readTables(pool: Pool): Promise<Table[]> {
  const { rows } = await pool.query<Table>(`
    select c.relname as name, array_to_string(c.reloptions, ', ') as options,
           array(
             select concat_ws(' ',
                      quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                      case when l.collname <> 'default' then 'collate ' || quote_ident(l.collname) end,
                      case when a.attidentity = 'a' then 'generated always as identity' end,
                      case when a.attgenerated = 's'
                           then 'generated always as (' || trim(regexp_replace(pg_get_expr(d.adbin, d.adrelid), '\\s+', ' ', 'g')) || ') stored'
                           when d.adbin is not null then 'default ' || pg_get_expr(d.adbin, d.adrelid) end,
                      case when a.attnotnull then 'not null' end)
               from pg_attribute a
               left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
               left join pg_collation l on l.oid = a.attcollation
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
              order by a.attnum
           ) || array(
             select 'constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
               from pg_constraint k
              -- Not null is with the column.
              where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c')
              order by k.contype <> 'p', k.conname collate "C"
           ) as parts,
           array(
             select 'alter table errand.' || c.relname || ' alter column ' || quote_ident(a.attname)
                    || ' set (' || array_to_string(a.attoptions, ', ') || ')'
               from pg_attribute a
              where a.attrelid = c.oid and a.attoptions is not null
              order by a.attnum
           ) || array(
             select pg_get_indexdef(i.indexrelid)
               from pg_index i
               join pg_class x on x.oid = i.indexrelid
              where i.indrelid = c.oid and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = c.oid)
              order by x.relname collate "C"
           ) || array(
             select pg_get_triggerdef(g.oid)
               from pg_trigger g
              where g.tgrelid = c.oid and not g.tgisinternal
              order by g.tgname collate "C"
           ) as after
      from pg_class c
     where c.relnamespace = 'errand'::regnamespace and c.relkind = 'r'
     order by c.relname collate "C"`);
  return rows;
}

async function readFunctions(pool: Pool): Promise<Function[]> {
  const { rows } = await pool.query<Function>(`
    select p.proname as name,
           format('errand.%s(%s) returns %s', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)) as signature,
           concat_ws(', ',
             l.lanname,
             case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
             case when p.proisstrict then 'strict' end,
             case when p.proparallel = 's' then 'parallel safe' end,
             case when p.prosecdef then 'security definer' end,
             case when p.proretset and p.prorows <> 1000 then 'rows ' || p.prorows end,
             'set ' || array_to_string(p.proconfig, '; set ')) as attributes
      from pg_proc p
      join pg_language l on l.oid = p.prolang
     where p.pronamespace = 'errand'::regnamespace
     order by p.proname collate "C", p.oid::regprocedure::text collate "C"`);
  const { functions } = await readMigrationFiles(NATIVE_SINCE);
  return rows.map((row) =>
    functions.get(row.name)?.elsewhere === undefined
      ? row
      : {
          ...row,
          attributes: 'one text for Postgres 18 and newer, another for older ones (functions/before_18/)',
        },
  );
}
