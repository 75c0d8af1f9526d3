import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { blocksOf, ROOT } from '../../support/checkout/documents.ts';
import { succeed } from '../../support/checkout/newcomer.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/processes.ts';

const { url, pool } = await createDatabase('template0');
const suffix = randomBytes(6).toString('hex');
const [commands = ''] = blocksOf('docs/guides/deployment.md', 'Database roles', 'sh', 1);
const [drop = ''] = blocksOf('docs/guides/deployment.md', 'Migrations', 'sql', 1);

/** A command of the guide with roles of this test alone: those of other tests are in the same cluster. */
const withOwnRoles = (command: string): string =>
  command.replaceAll(/\b(errand_(?:owner|api|runner)|billing_app)\b/g, `$1_${suffix}`);

/** Runs a command as a role, or as the superuser of the cluster. */
function run(command: string, databaseUrl = url): Promise<string> {
  return succeed(`env DATABASE_URL=${databaseUrl} ${command}`, ROOT);
}

test('the commands of deployment.md make roles and a schema, which can be dropped and made again', async () => {
  const [owner = '', migrate = '', others = ''] = withOwnRoles(commands).trim().split('\n');
  await run(owner);
  const ownerName = `errand_owner_${suffix}`;
  await pool.query(`alter role ${ownerName} password 'secret'`);
  const ownerUrl = Object.assign(new URL(url), { username: ownerName, password: 'secret' }).href;
  const [setting = '', ...migrateCommand] = migrate.split(' ');
  expect(setting).toMatch(new RegExp(`^DATABASE_URL=postgres://${ownerName}:`));
  await run(migrateCommand.join(' '), ownerUrl);
  await run(others);
  const roles = await pool.query('select rolname from pg_roles where rolname like $1', [`%${suffix}`]);
  expect(roles.rowCount).toBe(4);
  expect((await pool.query('select namespaces from errand.submitters')).rows).toEqual([
    { namespaces: ['billing', 'invoice'] },
  ]);

  // As a database from before the first release has it.
  await pool.query('alter schema errand_worker rename to graphile_worker');
  await pool.query(drop);
  await run(migrateCommand.join(' '), ownerUrl);
  await run(others);
  expect((await pool.query('select 1 from errand.tasks')).rowCount).toBe(0);
});

test('the commands of schemas-and-rights.md make two Errands, of which one is used and removed', async () => {
  const [rolesCommand = ''] = blocksOf('docs/guides/schemas-and-rights.md', 'Rights', 'sh', 1);
  const [submit = ''] = blocksOf('docs/guides/schemas-and-rights.md', 'Two schemas', 'sql', 1);
  const [migrations = ''] = blocksOf(
    'docs/guides/schemas-and-rights.md',
    'Two Errands in one database',
    'sh',
    1,
  );
  const [remove = ''] = blocksOf(
    'docs/guides/schemas-and-rights.md',
    'Two Errands in one database',
    'sql',
    1,
  );
  const both = await createDatabase('template0');
  for (const migrate of migrations.trim().split('\n')) await run(migrate, both.url);
  expect(await run(rolesCommand.replaceAll('\\\n', ' ').trim(), both.url)).toContain('billing_owner');

  const api = await startProcess('api/main.ts', both.url, { ERRAND_SCHEMA: 'billing' });
  expect((await both.pool.query(submit)).rowCount).toBe(1);
  api.child.kill('SIGTERM');
  await api.exited;
  await both.pool.query(remove);
  expect((await both.pool.query('select from shipping.tasks')).rowCount).toBe(0);
  await expect(both.pool.query('select from billing.tasks')).rejects.toThrow(/does not exist/);
});
