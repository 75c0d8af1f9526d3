import type { Ownership } from '../../core/registration/owner.ts';
import type { TaskDefinition } from '../../core/task.ts';
import type { Database } from '../database/pool.ts';
import { IS_LIVE } from './live_runner.ts';

/**
 * How long the owner of a new registration counts as live, in SQL. Its runner registers the
 * definitions first, and itself when it has loaded its handlers.
 */
const NEW = `interval '1 minute'`;

/**
 * The SQL condition that a live runner of another repository than this one has a name. False if
 * the repository is not known. Uses runners_live_idx.
 */
export function hasOtherRunner(name: string, project: string): string {
  return `
    exists (select
              from errand.runners r
             where ${IS_LIVE}
               and r.project <> ${project}
               and ${name} = any (r.task_names))`;
}

/** The row of a definition that another owner has registered with another schema. */
type Claimed = {
  name: string;
  version: string;
  owner: string;
  own_version: string;
  own_owner: string;
  /** A live runner of another repository; null if there is none, but the row is new. */
  runner: string | null;
};

/** The parts of a definition's row that decide who owns its name. */
export type Claim = { name: string; version: string; owner: string | null; schema_hash: string };

/**
 * Throws if a live owner of one of these names is another repository, and its schemas are different.
 * The message names the task, both owners and what to do. The same repository may change its schemas
 * as it likes (specification P5, D6). Uses the primary key of errand.definitions.
 */
export async function refuseClaimed(
  database: Database,
  claims: readonly Claim[],
  { project }: Ownership,
  definitions: readonly TaskDefinition[],
): Promise<void> {
  // Nobody can be another owner than an unknown one.
  if (project === null) return;
  const { rows } = await database.query<Claimed>({
    name: 'read_claimed',
    text: `
      select claimed.*
        from (
               select d.name, d.version, d.owner, own.version as own_version, own.owner as own_owner,
                      d.registered_at > now() - ${NEW} as is_new,
                      (select 'runner ' || r.id || ' on ' || r.host
                         from errand.runners r
                        where ${IS_LIVE}
                          and r.project <> $5
                          and d.name = any (r.task_names)
                        order by r.id desc
                        limit 1) as runner
                 from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as own (name, version, owner, schema_hash)
                 join errand.definitions d using (name)
                where d.owner <> own.owner and d.schema_hash <> own.schema_hash
             ) claimed
       where claimed.is_new or claimed.runner is not null
       order by claimed.name`,
    values: [
      claims.map(({ name }) => name),
      claims.map(({ version }) => version),
      claims.map(({ owner }) => owner),
      claims.map(({ schema_hash }) => schema_hash),
      project,
    ],
  });
  if (rows.length > 0) throw new Error(messageOf(rows, definitions));
}

const SHOWN = 5;

function messageOf(claimed: readonly Claimed[], definitions: readonly TaskDefinition[]): string {
  const files = new Map(definitions.map(({ name, file }) => [name, file]));
  const lines = claimed.slice(0, SHOWN).map(({ name, version, owner, own_version, own_owner, runner }) => {
    const file = files.get(name);
    const here = `here it is version ${own_version} of ${own_owner}${file === undefined ? '' : ` (${file})`}`;
    const there = runner === null ? ', less than a minute ago' : ` (${runner})`;
    return `  ${name}: ${here}, but ${owner} has registered version ${version} with other schemas${there}`;
  });
  const more = claimed.length > SHOWN ? [`  and ${claimed.length - SHOWN} more`] : [];
  return [
    'These tasks belong to another repository:',
    ...lines,
    ...more,
    'Rename them in one of the repositories. If both are one repository, give both the same `project` in errand.config.ts.',
  ].join('\n');
}
