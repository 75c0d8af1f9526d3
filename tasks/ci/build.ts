import { PermanentError } from '../../core/errors.ts';
import type { SchemaOutput } from '../../core/schema.ts';
import type { Handler, TaskContext } from '../../core/task.ts';
import type { ciBuild } from '../ci.build.task.ts';
import { type BuildFolder, FOLDER_VARIABLE, makeFolder, removeFolder, removeLeftFolders } from './folder.ts';
import { type Checkout, checkOut, readCommitted } from './git.ts';
import { createOutput, type Output } from './output.ts';
import { runGroup } from './process_group.ts';
import { allowedRepository } from './repository.ts';
import { parseScript, SCRIPT_PATH, type Script } from './script.ts';

export type BuilderOptions = {
  /** What the URLs of repositories must begin with. */
  repositories: readonly string[];
  /** How long an aborted handler may take to return. */
  abortGraceMs: number;
};

type BuildPayload = SchemaOutput<typeof ciBuild.payload>;
type Build = { payload: BuildPayload; context: TaskContext; folder: BuildFolder; killAfterMs: number };

/** Of the grace of an abort: the rest is for clearing up. */
const POLITE_SHARE = 0.4;

/** The handler of `ci.build`. */
export function createBuilder({ repositories, abortGraceMs }: BuilderOptions): Handler<typeof ciBuild> {
  return async (payload, context) => {
    const repository = allowedRepository(payload.repository, repositories);
    await removeLeftFolders(context.log);
    const folder = await makeFolder();
    try {
      const build = { payload, context, folder, killAfterMs: abortGraceMs * POLITE_SHARE };
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
  throw new PermanentError(`${repository} has no ${SCRIPT_PATH} in ${commit}, so there is nothing to run`, {
    code: 'NO_CI_SCRIPT',
  });
}

async function runScript(build: Build, script: Script) {
  const { payload, context, folder, killAfterMs } = build;
  const output = createOutput(context.log, context.signal);
  const begun = performance.now();
  const { exitCode, endedBy } = await runGroup({
    command: '/bin/sh',
    // A line that fails ends the script.
    args: ['-ec', script.run],
    cwd: folder.source,
    env: environment(build, script),
    signal: context.signal,
    timeoutMs: script.timeout_secs * 1_000,
    killAfterMs,
    onOutput: output.take,
  });
  await output.end();
  const ran = { exit_code: exitCode, duration_ms: Math.round(performance.now() - begun) };
  context.signal.throwIfAborted();
  if (endedBy === 'timeout') {
    const message = `The script took longer than its timeout_secs (${script.timeout_secs})`;
    throw failed(message, 'BUILD_TIMED_OUT', ran, output);
  }
  if (exitCode !== 0) throw failed(`The script ended with ${exitCode}`, 'BUILD_FAILED', ran, output);
  return { ...ran, lines: output.lines(), truncated: output.truncated(), commit: payload.commit };
}

/** A build that failed is not tried again: the same commit would fail again. */
function failed(message: string, code: string, ran: Record<string, number>, output: Output): PermanentError {
  const metadata = {
    ...ran,
    lines: output.lines(),
    truncated: output.truncated(),
    last_lines: output.tail(),
  };
  return new PermanentError(message, { code, metadata });
}

/** All that the script finds in its environment: nothing of the runner's own, which may be secret. */
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
