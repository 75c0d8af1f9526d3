import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';

/** The account that runs Postgres if this process is root, because Postgres refuses to run as root. */
export type Account = { readonly name: string; readonly uid: number; readonly gid: number };

/** The result of a program, with its output. */
export type Ran = { readonly ok: boolean; readonly output: string };

/** The account that is created if there is none. An installed Postgres of the system uses the same one. */
const PREFERRED = 'postgres';

/**
 * The account that must run Postgres. An ordinary user needs none (undefined). For root: the owner of
 * existing data, otherwise `postgres`, which is created if it is missing, otherwise `nobody`. Throws if root
 * can use none of them.
 */
export async function serverAccount(data: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const find of [() => ownerOf(data), () => named(PREFERRED), created, () => named('nobody')]) {
    const account = await find();
    // In a container without a mapping of other users, root cannot change its identity.
    if (account !== undefined && (await runAs(account, '/bin/sh', ['-c', 'exit 0'])).ok) return account;
  }
  throw new Error(
    'Postgres refuses to run as root, and root cannot run programs as another account here, ' +
      `neither as "${PREFERRED}" nor as "nobody". Run npm start as an ordinary user, or set DATABASE_URL.`,
  );
}

/**
 * Runs a program to its end, as this account (undefined: unchanged), in a folder that everybody may enter.
 */
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
  // Some errors at the start are thrown, others are events.
  return ran.catch((error: unknown) => ({ ok: false, output: String(error) }));
}

/**
 * The environment of Postgres's programs: English messages, which we parse, and no PG* variables, which are
 * meant for clients.
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

/** Undefined if accounts cannot be created: on a read-only system, or without useradd. */
async function created(): Promise<Account | undefined> {
  const options = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  const { ok } = await runAs(undefined, 'useradd', [...options, PREFERRED]);
  return ok ? named(PREFERRED) : undefined;
}
