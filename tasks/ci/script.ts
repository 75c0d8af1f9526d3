import { z } from 'zod';
import { PermanentError } from '../../core/errors.ts';
import { DEFAULT_SCRIPT_TIMEOUT_SECS, MAX_SCRIPT_TIMEOUT_SECS } from '../ci.build.task.ts';

/** The file in which a repository declares its script. */
export const SCRIPT_PATH = '.errand/ci.yaml';

const text = (maxLength: number) =>
  z
    .string('must be text: write it in quotes')
    .max(maxLength)
    .refine((value) => !value.includes('\0'), 'contains a NUL character');

const scriptSchema = z.strictObject({
  run: text(65_536).refine((value) => value.trim() !== '', 'is empty'),
  timeout_secs: z.number().positive().max(MAX_SCRIPT_TIMEOUT_SECS).default(DEFAULT_SCRIPT_TIMEOUT_SECS),
  env: z
    .record(
      z
        .string()
        .max(128)
        .regex(/^(?!ERRAND_)[A-Za-z_][A-Za-z0-9_]*$/),
      text(32_768),
      {
        error: (issue) =>
          issue.code === 'invalid_key' ? 'is not a variable name, or starts with ERRAND_' : undefined,
      },
    )
    .refine((env) => Object.keys(env).length <= 100, 'has more than 100 variables')
    .default({}),
});

/** The declaration of a repository: a shell command, its timeout, and its environment. */
export type Script = z.output<typeof scriptSchema>;

/** Parses a declaration. Rejects with a PermanentError with the code INVALID_CI_SCRIPT and all problems. */
export async function parseScript(yaml: string): Promise<Script> {
  const parsed = scriptSchema.safeParse(await parseYaml(yaml));
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`));
}

async function parseYaml(yaml: string): Promise<unknown> {
  // Loaded only by a runner that builds something.
  const { parse } = await import('yaml');
  try {
    return parse(yaml, { logLevel: 'error' }) as unknown;
  } catch (error) {
    throw invalid([`it is not YAML: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

function invalid(problems: string[]): PermanentError {
  return new PermanentError(`${SCRIPT_PATH} cannot be used: ${problems.join('; ')}`, {
    code: 'INVALID_CI_SCRIPT',
    metadata: { problems },
  });
}
