import { parseArgs } from 'node:util';
import { loadConfig, schemasFor } from '../config/load.ts';
import { makeRoles, ROLE_NAME, type Roles, rolesSql } from '../store/database/roles.ts';
import { connectDatabase } from './database.ts';
import { prepare } from './prepare.ts';
import { runMain } from './start.ts';

const USAGE = `npm run roles -- [--owner NAME] [--api NAME] [--runner NAME] [--submitter NAME[=NAMESPACE,…]]… [--apply]

Prints SQL for psql that creates these roles with the least rights that they need. With --apply, runs it on the
configured database. Run it again after each migration. Set passwords separately: \\password NAME in psql.
  --owner      runs migrations (npm run migrate), and owns the objects that they create
  --api        runs npm run api
  --runner     runs npm run runner
  --submitter  an application that calls errand.submit, for these namespaces or for all; may be repeated`;

// `npm run roles`: creates roles, so that API and runner need not own the schema.
await runMain(async () => {
  const { values } = parseArgs({
    options: {
      owner: { type: 'string' },
      api: { type: 'string' },
      runner: { type: 'string' },
      submitter: { type: 'string', multiple: true },
      apply: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const { owner = null, api = null, runner = null, submitter = [] } = values;
  const roles: Roles = { owner, api, runner, submitters: submitter.map(toSubmitter) };
  if (values.help === true || (owner ?? api ?? runner ?? submitter[0]) === undefined) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  if (values.apply !== true) {
    process.stdout.write(`${rolesSql(roles, schemasFor(loadConfig()))}\n`);
    return;
  }
  const { config, log } = await prepare('roles', 1);
  const pool = await connectDatabase(config, log, {
    applicationName: 'errand roles',
    size: 1,
    statementTimeoutMs: 0,
  });
  await makeRoles(pool, roles);
  await pool.end();
  log.info(roles, 'the roles have the rights that they need');
});

function toSubmitter(text: string): Roles['submitters'][number] {
  const [role = '', list] = text.split('=');
  const namespaces = list === undefined ? null : list.split(',');
  for (const namespace of namespaces ?? []) {
    if (!ROLE_NAME.test(namespace))
      throw new Error(
        `${JSON.stringify(namespace)} in ${text} is not a namespace: use a name such as billing`,
      );
  }
  return { role, namespaces };
}
