import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';

/** The account that Postgres runs as when we are root, whom it refuses. */
export type Account = { readonly name: string; readonly uid: number; readonly gid: number };

/** How a program ended, with all that it said. */
export type Ran = { readonly ok: boolean; readonly output: string };

/** The account made when there is none; also what a system's own Postgres runs as. */
const PREFERRED = 'postgres';

/**
 * Which account Postgres has to run as: none (undefined) for an ordinary user. For root the one that owns the
 * data already, else `postgres`, which is created when it is missing, else `nobody`.
 * Throws when root can use none of them.
 */
export async function serverAccount(data: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const find of [() => ownerOf(data), () => named(PREFERRED), created, () => named('nobody')]) {
    const account = await find();
    // In a container that maps no other users, root can't become anybody.
    if (account !== undefined && (await runAs(account, '/bin/sh', ['-c', 'exit 0'])).ok) return account;
  }
  throw new Error(
    'Postgres refuses to run as root, and root can run nothing here as another account, ' +
      `neither as "${PREFERRED}" nor as "nobody". Run npm start as an ordinary user, or set DATABASE_URL.`,
  );
}

/** Runs a program to its end as this account (undefined: as we are), in a folder that everybody may enter. */
export function runAs(account: Account | undefined, file: string, args: readonly string[]): Promise<Ran> {
  const identity = account === undefined ? {} : { uid: account.uid, gid: account.gid };
  const ran = new Promise<Ran>((resolve) => {
    const child = execFile(
      file,
      [...args],
      { ...identity, cwd: '/', env: plainEnvironment() },
      (error, stdout, stderr) => {
        process.removeListener('exit', kill);
        const said = `${stdout}${stderr}`.trim();
        resolve({ ok: error === null, output: said === '' ? (error?.message ?? '') : said });
      },
    );
    const kill = () => child.kill('SIGKILL');
    process.on('exit', kill);
  });
  // Some failures to start are thrown, others come as an event.
  return ran.catch((error: unknown) => ({ ok: false, output: String(error) }));
}

/**
 * The environment of Postgres's programs: English messages, which we read, and none of the PG* variables that
 * are meant for clients.
 */
export function plainEnvironment(): Record<string, string> {
  return { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };
}

async function ownerOf(path: string): Promise<Account | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.uid === 0) return undefined;
  return { name: `uid ${found.uid}`, uid: found.uid, gid: found.gid };
}

async function named(name: string): Promise<Account | undefined> {
  const [user, group] = await Promise.all([
    runAs(undefined, 'id', ['-u', name]),
    runAs(undefined, 'id', ['-g', name]),
  ]);
  if (!user.ok || !group.ok) return undefined;
  return { name, uid: Number(user.output), gid: Number(group.output) };
}

/** Where the accounts can't be changed (a read-only system), or useradd is missing, there is none. */
async function created(): Promise<Account | undefined> {
  const options = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  const { ok } = await runAs(undefined, 'useradd', [...options, PREFERRED]);
  return ok ? named(PREFERRED) : undefined;
}
