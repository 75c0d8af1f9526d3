import { PermanentError } from '../../core/errors.ts';
import { sanitizeText } from '../../core/json/json.ts';
import { type GroupOptions, runGroup } from './process_group.ts';

/** The commit to check out, and how. */
export type Checkout = Pick<GroupOptions, 'signal' | 'killAfterMs'> & {
  /** An allowed URL. */
  repository: string;
  branch: string;
  commit: string;
  /** An empty folder. */
  into: string;
};

type GitResult = { exitCode: number; stdout: string; stderr: string };

/** For one command, most of it for a fetch. */
const TIMEOUT_MS = 15 * 60_000;
const MAX_STDOUT_BYTES = 128 * 1024;
const MAX_STDERR_BYTES = 8_192;

/**
 * Overrides the configuration of the machine, so that git runs nothing from a repository and
 * fetches nothing else.
 */
const HARDENED = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'http.followRedirects=false',
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=60',
  'gc.auto=0',
  'maintenance.auto=false',
].flatMap((setting) => ['-c', setting]);

/**
 * Of the runner's variables git gets only those that it needs for paths, network access and
 * credentials.
 */
const PASSED_ON =
  /^(PATH|HOME|USER|LOGNAME|SSH_AUTH_SOCK|SSL_CERT_(FILE|DIR)|GIT_SSH(_COMMAND)?|(https?|all|no)_proxy)$/i;

/** The errors of a server that gives only commits that a name points to. */
const REFUSED = /not our ref|unadvertised object|couldn't find remote ref|no such remote ref/i;

/**
 * Fetches a commit of a branch and checks it out. If it is the newest commit, only that is fetched,
 * otherwise the branch. Throws PermanentError with the code COMMIT_NOT_FOUND if the branch does not
 * have the commit. Other errors may pass with another attempt: the network, the server, its
 * credentials.
 */
export async function checkOut(checkout: Checkout): Promise<void> {
  const { repository, commit } = checkout;
  await git(checkout, ['init', '--quiet', '--template=']);
  if (await isNewest(checkout)) {
    const exact = await tryGit(checkout, [...FETCH, '--depth=1', '--', repository, commit]);
    if (exact.exitCode !== 0) {
      if (!REFUSED.test(exact.stderr)) throw failure('fetch', checkout, exact);
      await fetchBranch(checkout);
    }
  } else {
    await fetchBranch(checkout);
    const isOn = await tryGit(checkout, ['merge-base', '--is-ancestor', commit, 'FETCH_HEAD']);
    if (isOn.exitCode !== 0) throw notFound(checkout);
  }
  const found = await tryGit(checkout, ['rev-parse', '--quiet', '--verify', `${commit}^{commit}`]);
  if (found.stdout.trim() !== commit) throw notFound(checkout);
  await git(checkout, ['checkout', '--quiet', '--detach', commit, '--']);
}

const FETCH = ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules'];

/**
 * Whether a commit is the newest of its branch, as most commits are when they are built. Then
 * nothing older is needed.
 */
async function isNewest(checkout: Checkout): Promise<boolean> {
  const { repository, branch, commit } = checkout;
  const ref = `refs/heads/${branch}`;
  const listed = await tryGit(checkout, ['ls-remote', '--', repository, ref]);
  if (listed.exitCode !== 0) throw failure('ls-remote', checkout, listed);
  return listed.stdout.split('\n').includes(`${commit}\t${ref}`);
}

/**
 * Fetches the complete branch: there is no other way to find out whether it has an older commit.
 */
async function fetchBranch(checkout: Checkout): Promise<void> {
  const { repository, branch } = checkout;
  const fetched = await tryGit(checkout, [...FETCH, '--', repository, `refs/heads/${branch}`]);
  if (fetched.exitCode === 0) return;
  throw REFUSED.test(fetched.stderr) ? notFound(checkout) : failure('fetch', checkout, fetched);
}

/** The text of a file as it was committed; null if there is none. */
export async function readCommitted(checkout: Checkout, path: string): Promise<string | null> {
  const { exitCode, stdout } = await tryGit(checkout, ['cat-file', 'blob', `${checkout.commit}:${path}`]);
  return exitCode === 0 ? stdout : null;
}

async function git(checkout: Checkout, args: string[]): Promise<void> {
  const result = await tryGit(checkout, args);
  if (result.exitCode !== 0) throw failure(args[0] ?? '', checkout, result);
}

async function tryGit(
  { into, signal, killAfterMs, repository }: Checkout,
  args: string[],
): Promise<GitResult> {
  const kept = { stdout: createKeeper(MAX_STDOUT_BYTES), stderr: createKeeper(MAX_STDERR_BYTES) };
  const end = await runGroup({
    command: 'git',
    args: [...HARDENED, '-C', into, ...args],
    cwd: into,
    env: environment(),
    signal,
    timeoutMs: TIMEOUT_MS,
    killAfterMs,
    onOutput: (stream, chunk) => kept[stream].add(chunk),
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw notInstalled(error);
  });
  signal.throwIfAborted();
  if (end.endedBy === 'timeout') {
    throw retried(`git ${args[0]} of ${repository} took longer than ${TIMEOUT_MS} ms`, 'GIT_TIMEOUT');
  }
  return { exitCode: end.exitCode, stdout: kept.stdout.text(), stderr: kept.stderr.text() };
}

function environment(): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name)) as [string, string][];
  return {
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    ...Object.fromEntries(own),
    // Nobody can answer a prompt, and no `ext::` or other helper must run.
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:file',
    LC_ALL: 'C',
  };
}

/** Keeps the start of the output. */
function createKeeper(limit: number) {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add(chunk: Buffer): void {
      if (size < limit) chunks.push(chunk);
      size += chunk.length;
    },
    text: () => Buffer.concat(chunks).subarray(0, limit).toString('utf8'),
  };
}

function failure(command: string, { repository }: Checkout, { exitCode, stderr }: GitResult): Error {
  const why = sanitizeText(stderr.trim()) || 'no error output';
  return retried(`git ${command} of ${repository} ended with ${exitCode}: ${why}`, 'GIT_FAILED');
}

function notFound({ repository, branch, commit }: Checkout): PermanentError {
  return new PermanentError(`${repository} has no commit ${commit} on its branch ${branch}`, {
    code: 'COMMIT_NOT_FOUND',
    metadata: { repository, branch, commit },
  });
}

function notInstalled(cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  return retried(`ci.build needs git, but this runner cannot run it: ${message}`, 'GIT_NOT_RUN', cause);
}

function retried(message: string, code: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name: 'GitError', code });
}
