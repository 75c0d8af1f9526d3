import { parseArgs } from 'node:util';
import { z } from 'zod';

export const USAGE = `Measures what reading costs: a page of the list, a task, the figures, with few finished tasks and with many;
and how long a workflow of four steps takes, beside jobs of graphile-worker.

  npm run bench                     100 thousand and 10 million finished tasks
  npm run bench -- --quick          100 thousand and 1 million, in about a minute

  --small        finished tasks in the first database
  --large        finished tasks in the second one
  --repetitions  how often each is measured
  --only         reads, or workflows
  --json         JSON on stdout instead of the table
  --write        also writes the table to bench/RESULTS.md
  --help         this text

It makes a Postgres of its own in the temporary folder (TMPDIR) and removes it at the end. 10 million tasks take about
10 GB there. Progress goes to stderr.
`;

const whole = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number(error).int(error).min(least, error).max(most, error);
};

// Fewer than a thousand have no task of some of the kinds that are read.
const tasks = whole(1_000, 100_000_000);
const flag = z.boolean().default(false);

const optionsSchema = z
  .strictObject({
    quick: flag,
    small: tasks.default(100_000),
    large: tasks.optional(),
    repetitions: whole(1, 10_000).optional(),
    only: z.enum(['reads', 'workflows'], 'must be reads or workflows').optional(),
    json: flag,
    write: flag,
  })
  .transform(({ quick, ...options }) => ({
    ...options,
    large: options.large ?? (quick ? 1_000_000 : 10_000_000),
    repetitions: options.repetitions ?? (quick ? 100 : 300),
  }));

/** What is to be measured, with how many tasks and how often, and how it is to be told. */
export type BenchOptions = z.output<typeof optionsSchema>;

/** What the command line asks for. Throws with everything that is wrong with it, and with what is accepted. */
export function benchOptions(args: string[]): BenchOptions | 'help' {
  const { help, ...values } = readFlags(args);
  if (help === true) return 'help';
  const parsed = optionsSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw unusable(parsed.error.issues.map(({ path, message }) => `--${path.join('.')} ${message}`));
}

function readFlags(args: string[]): Record<string, string | boolean | undefined> {
  const text = { type: 'string' } as const;
  const given = { type: 'boolean' } as const;
  try {
    const options = {
      ...{ quick: given, json: given, write: given, help: given },
      ...{ small: text, large: text, repetitions: text, only: text },
    };
    return { ...parseArgs({ args, options }).values };
  } catch (error) {
    throw unusable([error instanceof Error ? error.message : String(error)]);
  }
}

function unusable(problems: string[]): Error {
  return new Error(`${problems.join('\n')}\n\n${USAGE}`);
}
