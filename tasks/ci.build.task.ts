import { z } from 'zod';
import { defineTask } from '../core/task.ts';

/** The default and the maximum of the timeout that a repository sets for its script. */
export const DEFAULT_SCRIPT_TIMEOUT_SECS = 3_600;
export const MAX_SCRIPT_TIMEOUT_SECS = 6 * 3_600;
/** Time besides the longest script, to fetch the commit and clean up. */
const AROUND_SCRIPT_SECS = 1_800;

/**
 * The branch names that git accepts (`git check-ref-format`), except those that start with a dash.
 */
const BRANCH = /^[^ ~^:?*[\\]+$/;

const payload = z.strictObject({
  repository: z
    .string()
    .max(1_024)
    // No `%`: how an encoded slash or dot is decoded is up to other programs.
    .regex(/^(https?|ssh|file):\/\/[A-Za-z0-9._~/@:+[\]-]+$/)
    .refine((text) => URL.canParse(text), 'is not a URL')
    .refine((text) => !/(:\/\/|@)-/.test(text), 'has a host or user that starts with -')
    .refine(
      (text) => !hasSecret(text),
      'must not contain credentials: configure them on the machine that builds',
    )
    .describe(
      'The URL to clone: `https`, `http`, `ssh` or `file`, below one of the CI_REPOSITORIES of the runner',
    ),
  repository_name: z
    .string()
    .min(1)
    .max(300)
    .optional()
    .describe('The name of the repository, such as `team/app`'),
  branch: z
    .string()
    .max(250)
    .regex(BRANCH)
    .refine(isBranch, 'is not a valid branch name')
    .describe('The branch that has the commit'),
  commit: z
    .string()
    .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)
    .describe('The commit to build, as a full hash'),
  author: z.string().min(1).max(200).optional().describe('The author of the commit'),
  message: z.string().max(2_000).optional().describe('The message of the commit'),
});

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const result = z.strictObject({
  exit_code: count.describe('The exit code of the script: 0'),
  duration_ms: count.describe('Duration of the script, in milliseconds'),
  lines: count.describe('How many lines the script wrote'),
  truncated: z.boolean().describe('Whether the script wrote more than the log keeps'),
  commit: z.string().describe('The commit that was built'),
});

/**
 * Builds a commit: checks it out and runs the script that it declares in `.errand/ci.yaml`. If the
 * script fails, it is not run again. If the repository cannot be reached, the attempt is retried.
 */
export const ciBuild = defineTask({
  name: 'ci.build',
  version: '1',
  description:
    'Checks out a commit and runs the script that it declares in .errand/ci.yaml. Each line of output becomes a log line',
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
    // Another request for a build means another build. A webhook delivery is deduplicated by its
    // key.
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
  const isInvalid = /^[-/.]|[/.]$|\.\.|\/\/|@\{|\/\.|\.lock(\/|$)/.test(text);
  return isPlain && !isInvalid;
}
