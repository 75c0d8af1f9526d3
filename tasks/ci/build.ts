import type { Config } from '../../config/schema.ts';
import { PermanentError } from '../../core/errors.ts';
import type { SchemaOutput } from '../../core/schema.ts';
import type { Handler, TaskContext } from '../../core/task.ts';
import type { ciBuild } from '../ci.build.task.ts';
import {
  type BuildFolder,
  FOLDER_VARIABLE,
  makeFolder,
  removeFolder,
  removeOrphanedFolders,
} from './folder.ts';
import { type Checkout, checkOut, readCommitted } from './git.ts';
import { createIsolation, type Isolation, type IsolationOptions } from './isolation.ts';
import { createOutput, type Output } from './output.ts';
import { runGroup } from './process_group.ts';
import { parseScript, SCRIPT_PATH, type Script } from './script.ts';

export type BuilderOptions = {
  /** URL prefixes of the repositories that may be built. */
  repositories: readonly string[];
  /** How long an aborted handler may take to return. */
  abortGraceMs: number;
  isolation: IsolationOptions;
};

type BuildPayload = SchemaOutput<typeof ciBuild.payload>;
type Build = {
  payload: BuildPayload;
  context: TaskContext;
  folder: BuildFolder;
  killAfterMs: number;
  enclose: Awaited<ReturnType<Isolation>>;
};

/** The share of the abort grace that the script gets after SIGTERM; the rest is for cleaning up. */
const POLITE_SHARE = 0.4;

/** Makes the handler of `ci.build` for a configuration. */
export function builderFor(
  config: Pick<Config, 'CI_REPOSITORIES' | 'CI_BUILD_ISOLATION' | 'ABORT_GRACE_SECS'>,
): Handler<typeof ciBuild> {
  return createBuilder({
    repositories: config.CI_REPOSITORIES ?? [],
    abortGraceMs: config.ABORT_GRACE_SECS * 1_000,
    isolation: { mode: config.CI_BUILD_ISOLATION },
  });
}

/** Makes the handler of `ci.build`. */
export function createBuilder(options: BuilderOptions): Handler<typeof ciBuild> {
  const { repositories, abortGraceMs } = options;
  const isolation = createIsolation(options.isolation);
  return async (payload, context) => {
    const repository = allowedRepository(payload.repository, repositories);
    const enclose = await isolation(context.log);
    await removeOrphanedFolders(context.log);
    const folder = await makeFolder();
    try {
      const build = { payload, context, folder, killAfterMs: abortGraceMs * POLITE_SHARE, enclose };
      return await runScript(build, await fetchScript(build, repository));
    } finally {
      await removeFolder(folder.path, context.log);
    }
  };
}

async function fetchScript(
  { payload, context, folder, killAfterMs }: Build,
  repository: string,
): Promise<Script> {
  const { branch, commit } = payload;
  const { signal, log } = context;
  const checkout: Checkout = { repository, branch, commit, into: folder.source, signal, killAfterMs };
  log.info(`checking out ${commit} of ${repository}`);
  await checkOut(checkout);
  const yaml = await readCommitted(checkout, SCRIPT_PATH);
  if (yaml !== null) return parseScript(yaml);
  throw new PermanentError(`${repository} has no ${SCRIPT_PATH} in ${commit}: add one to say what to run`, {
    code: 'NO_CI_SCRIPT',
  });
}

async function runScript(build: Build, script: Script) {
  const { payload, context, folder, killAfterMs, enclose } = build;
  const output = createOutput(context.log, context.signal);
  const startedAt = performance.now();
  const { exitCode, endedBy } = await runGroup({
    // `-e`: a command that fails ends the script.
    ...enclose({ command: '/bin/sh', args: ['-ec', script.run], env: environment(build, script) }),
    cwd: folder.source,
    signal: context.signal,
    timeoutMs: script.timeout_secs * 1_000,
    killAfterMs,
    onOutput: output.take,
  });
  await output.end();
  const ran = { exit_code: exitCode, duration_ms: Math.round(performance.now() - startedAt) };
  context.signal.throwIfAborted();
  if (endedBy === 'timeout') {
    const message = `The script took longer than its timeout_secs (${script.timeout_secs})`;
    throw failed(message, 'BUILD_TIMED_OUT', ran, output);
  }
  if (exitCode !== 0) throw failed(`The script ended with ${exitCode}`, 'BUILD_FAILED', ran, output);
  return { ...ran, lines: output.lines(), truncated: output.truncated(), commit: payload.commit };
}

/** A failed build is not retried: the same commit would fail again. */
function failed(message: string, code: string, ran: Record<string, number>, output: Output): PermanentError {
  const metadata = {
    ...ran,
    lines: output.lines(),
    truncated: output.truncated(),
    last_lines: output.tail(),
  };
  return new PermanentError(message, { code, metadata });
}

/**
 * The complete environment of the script. It has nothing of the runner's environment, which may be
 * secret.
 */
function environment({ payload, context, folder }: Build, { env }: Script): Record<string, string> {
  const facts: Record<string, string | undefined> = {
    ERRAND_TASK_ID: context.id,
    ERRAND_ATTEMPT: String(context.attempt),
    ERRAND_REPOSITORY: payload.repository,
    ERRAND_REPOSITORY_NAME: payload.repository_name,
    ERRAND_BRANCH: payload.branch,
    ERRAND_COMMIT: payload.commit,
    ERRAND_AUTHOR: payload.author,
    ERRAND_MESSAGE: payload.message,
    [FOLDER_VARIABLE]: folder.path,
  };
  const given = Object.entries(facts).filter(([, value]) => value !== undefined) as [string, string][];
  return {
    PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: folder.home,
    TMPDIR: folder.temp,
    LANG: 'C.UTF-8',
    CI: 'true',
    ...env,
    ...Object.fromEntries(given),
  };
}

/**
 * The URL of a repository as git gets it, if it is below one of these prefixes: the same scheme,
 * host, port and (if the prefix has one) user, and a path below its path. Throws PermanentError
 * with the code REPOSITORY_NOT_ALLOWED.
 */
function allowedRepository(repository: string, prefixes: readonly string[]): string {
  // The parsed URL is both checked and used, so dots in the path are resolved in both.
  const url = new URL(repository);
  if (prefixes.some((prefix) => isBelow(url, new URL(prefix)))) return url.href;
  const which =
    prefixes.length === 0
      ? 'CI_REPOSITORIES is not set on this runner'
      : 'it is not below any of the CI_REPOSITORIES of this runner';
  throw new PermanentError(`The repository ${url.href} may not be built: ${which}`, {
    code: 'REPOSITORY_NOT_ALLOWED',
    metadata: { repository: url.href, variable: 'CI_REPOSITORIES' },
  });
}

function isBelow(url: URL, prefix: URL): boolean {
  const top = prefix.pathname.replace(/\/+$/, '');
  return (
    url.protocol === prefix.protocol &&
    url.host === prefix.host &&
    (prefix.username === '' || url.username === prefix.username) &&
    (url.pathname === top || url.pathname.startsWith(`${top}/`))
  );
}
