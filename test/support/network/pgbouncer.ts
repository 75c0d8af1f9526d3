import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../../embedded/ports.ts';
import { until } from '../until.ts';
import { whenDone } from '../when_done.ts';

/** Where Debian has it. */
const PROGRAM = '/usr/sbin/pgbouncer';

/**
 * Starts a real PgBouncer before a database, in this mode, and gives the URL through it. Ended at the
 * end of the test, or of the file if it was started outside of a test. Throws with its output if it
 * does not start.
 */
export async function startPgBouncer(
  databaseUrl: string,
  mode: 'session' | 'transaction' | 'statement',
): Promise<string> {
  const to = new URL(databaseUrl);
  const directory = await mkdtemp(join(tmpdir(), 'errand-pgbouncer-'));
  const port = await freePort('127.0.0.1');
  const ini = join(directory, 'pgbouncer.ini');
  await writeFile(join(directory, 'users'), `"${to.username}" "${to.password}"\n`);
  await writeFile(
    ini,
    `[databases]
* = host=${to.hostname} port=${to.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${directory}/users
pool_mode = ${mode}
default_pool_size = 10
`,
  );
  // As root it changes to another account, which reads them.
  await chmod(directory, 0o755);
  const asRoot = process.getuid?.() === 0 ? ['--user', 'nobody'] : [];
  const child = spawn(PROGRAM, [...asRoot, ini], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const failure = once(child, 'error').then(([error]) => String(error));
  whenDone(() => stop(child, directory));
  const url = Object.assign(new URL(databaseUrl), { port: String(port) }).href;
  const ready = until('PgBouncer answers', () => answers(url));
  const why = await Promise.race([ready.then(() => null), failure]);
  if (why !== null) throw new Error(`${PROGRAM} (Debian's pgbouncer) does not start: ${why}\n${output}`);
  return url;
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

async function stop(child: ChildProcess, directory: string): Promise<void> {
  child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
}
