import { startPostgres } from '../../../embedded/postgres.ts';

/**
 * A process that hosts Postgres for the tests, which kill it: `node host.ts <directory> [throw]`. Writes the server as
 * JSON when it is up; with `throw` it dies of an uncaught exception then.
 */
const [directory = '', then] = process.argv.slice(2);
const { url, pid } = await startPostgres({
  directory,
  port: 0,
  settings: { fsync: 'off' },
  log: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(`${JSON.stringify({ url, pid })}\n`);
if (then === 'throw') {
  setImmediate(() => {
    throw new Error('an uncaught exception, as wanted');
  });
}
// Lives until it is killed.
setInterval(() => undefined, 60_000);
