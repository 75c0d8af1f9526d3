import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { FOLDER_VARIABLE } from './folder.ts';
import type { GroupOptions } from './process_group.ts';

export type IsolationOptions = {
  /** `auto`: isolate if the machine can; `required`: build only if it can; `off`: never isolate. */
  mode: 'auto' | 'required' | 'off';
  /** The `unshare` of util-linux, by its full path, because a repository may choose the PATH. */
  unshare?: string;
};

type Command = Pick<GroupOptions, 'command' | 'args' | 'env'>;

/**
 * Gives a function that isolates a command from the runner, as far as that is wanted and possible.
 */
export type Isolation = (log: Logger) => Promise<(command: Command) => Command>;

/**
 * The user namespace keeps the script from reading the environment of a process outside, even as
 * root. The PID namespace and its own /proc hide these processes. If `unshare` is killed, it kills
 * the first process of the PID namespace, and with that everything in the namespace ends.
 */
const NAMESPACES = ['--user', '--map-current-user', '--pid', '--fork', '--mount-proc', '--kill-child', '--'];

/**
 * The first process of the namespace ignores signals, so it must not be the script. It waits for
 * the script and exits with the same code. Messages of the shell itself are discarded.
 */
const FIRST = ['/bin/sh', '-c', 'exec 3>&2 2>/dev/null; (exec "$@" 2>&3 3>&-); exit $?', 'build'];

/** Makes the isolation of builds. Whether the machine can isolate is tried once. */
export function createIsolation({ mode, unshare = '/usr/bin/unshare' }: IsolationOptions): Isolation {
  const enclose = (command: Command) => enclosed(unshare, command);
  let refusal: Promise<string | null> | undefined;
  return async (log) => {
    if (mode === 'off') return (command) => command;
    refusal ??= tryOut(enclose({ command: '/bin/sh', args: ['-c', 'exit 0'], env: {} }));
    const why = await refusal;
    if (why === null) return enclose;
    if (mode === 'required') throw notIsolated(why);
    log.warn(
      `this machine cannot isolate builds: the script can read the environment of this runner, and detached processes may outlive it (${why})`,
    );
    return (command) => command;
  };
}

/**
 * The environment is set inside, so that `unshare` itself does not obey an LD_PRELOAD of the
 * repository.
 */
function enclosed(unshare: string, { command, args, env }: Command): Command {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const folder = env[FOLDER_VARIABLE];
  return {
    command: unshare,
    args: [...NAMESPACES, ...FIRST, '/usr/bin/env', '-i', ...variables, command, ...args],
    // The build is found by it if it outlives its runner.
    env: folder === undefined ? {} : { [FOLDER_VARIABLE]: folder },
  };
}

/** The reason why a command cannot be run, or null. */
async function tryOut({ command, args, env }: Command): Promise<string | null> {
  try {
    await promisify(execFile)(command, [...args], { env });
    return null;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return stderr?.trim() || message;
  }
}

/** Retried, because another runner may be able to isolate. */
function notIsolated(why: string): Error {
  const message = `This runner cannot isolate builds, and CI_BUILD_ISOLATION=required does not allow others: ${why}`;
  return Object.assign(new Error(message), { name: 'IsolationError', code: 'BUILD_NOT_ISOLATED' });
}
