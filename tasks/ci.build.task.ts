import { z } from 'zod';
import { defineTask } from '../core/task.ts';

/** How long a script may take when its repository does not say, and at most. */
export const DEFAULT_SCRIPT_TIMEOUT_SECS = 3_600;
export const MAX_SCRIPT_TIMEOUT_SECS = 6 * 3_600;
/** Beyond the longest script: for fetching the commit and clearing up. */
const AROUND_SCRIPT_SECS = 1_800;

/** What git takes for a branch (git-check-ref-format), less what nobody has in one. */
const BRANCH = /^[^\s~^:?*[\\]+$/;

const payload = z.strictObject({
  repository: z
    .string()
    .max(1_024)
    // No `%`: what an encoded slash or dot leads to is for others to say.
    .regex(/^(https?|ssh|file):\/\/[A-Za-z0-9._~/@:+[\]-]+$/)
    .refine((text) => URL.canParse(text), 'is not a URL')
    .refine((text) => !/(:\/\/|@)-/.test(text), 'has a host or user that begins with -')
    .refine((text) => !hasSecret(text), 'must not carry credentials: they belong to the machine that builds')
    .describe(
      'The URL that it is cloned from: `https`, `http`, `ssh` or `file`, beginning as the CI_REPOSITORIES of the runner says',
    ),
  repository_name: z.string().min(1).max(300).optional().describe('What it is called, such as `team/app`'),
  branch: z
    .string()
    .max(250)
    .regex(BRANCH)
    .refine(isBranch, 'is not the name of a branch')
    .describe('The branch that the commit is of'),
  commit: z
    .string()
    .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)
    .describe('The commit to build: its whole hash'),
  author: z.string().min(1).max(200).optional().describe('Who made the commit'),
  message: z.string().max(2_000).optional().describe('The message of the commit'),
});

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const result = z.strictObject({
  exit_code: count.describe('Of the script: 0'),
  duration_ms: count.describe('How long the script took'),
  lines: count.describe('How many lines it wrote'),
  truncated: z.boolean().describe('Whether it wrote more than is kept in the log'),
  commit: z.string().describe('What was built'),
});

/**
 * Builds a commit: checks it out and runs the script that it declares in `.errand/ci.yaml`. A script that fails is not
 * run again; a repository that can't be reached is tried again.
 */
export const ciBuild = defineTask({
  name: 'ci.build',
  version: '1',
  description:
    'Checks out a commit and runs the script that it declares in .errand/ci.yaml; every line that it writes is a line of the log',
  payload,
  result,
  example: {
    repository: 'https://git.example.com/team/app.git',
    repository_name: 'team/app',
    branch: 'main',
    commit: '2f4a1b6c8d9e0f1a2b3c4d5e6f708192a3b4c5d6',
    author: 'Ann',
    message: 'Count words once',
  },
  policy: {
    maxAttempts: 3,
    backoff: { initialMs: 5_000, factor: 4, maxMs: 300_000 },
    timeoutMs: (MAX_SCRIPT_TIMEOUT_SECS + AROUND_SCRIPT_SECS) * 1_000,
    // Who wants a build again means it; a webhook's delivery is the same by its key.
    dedup: { strategy: 'none' },
  },
});

function hasSecret(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  return url.password !== '' || (url.protocol.startsWith('http') && url.username !== '');
}

function isBranch(text: string): boolean {
  const isPlain = [...text].every((character) => character > ' ' && character !== '\u007f');
  const isOdd = /^[-/.]|[/.]$|\.\.|\/\/|@\{|\/\.|\.lock(\/|$)/.test(text) || text.startsWith('refs/');
  return isPlain && !isOdd && text !== '@';
}
