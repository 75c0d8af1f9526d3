import { parseArgs } from 'node:util';
import { z } from 'zod';

/** What can be measured by itself, in the order of the report. What needs many finished tasks comes last. */
export const PART_NAMES = [
  ...(['execute', 'one-by-one', 'runners', 'mix', 'backlog', 'http', 'latency'] as const),
  ...(['memory', 'recovery', 'workflows', 'definitions', 'profile', 'reads', 'ledger'] as const),
] as const;

export type PartName = (typeof PART_NAMES)[number];

/** What is measured unless parts are named: all that compares. */
export const USUAL_PARTS = PART_NAMES.filter((name) => name !== 'profile');

export const USAGE = `Measures Errand beside other queues on one Postgres, by turns: what executing, submitting and waiting costs, what
reading costs with few and with many finished tasks, memory, recovery, and what definitions cost beside an earlier build.

  npm run bench                     three quarters of an hour
  npm run bench -- --quick          a few minutes: fewer tasks and rounds, so figures that scatter

  --only         parts, with commas between them: ${PART_NAMES.slice(0, 6).join(', ')},
                 ${PART_NAMES.slice(6).join(', ')}; without it, all but profile
  --tasks        tasks that are executed in a round; other parts take multiples of it
  --rounds       how often each queue is measured
  --repetitions  how often each read, start and workflow is measured
  --small        finished tasks in the first database that is read
  --large        finished tasks in the second one
  --json         JSON on stdout instead of the tables, with each round
  --write        also writes the tables to bench/RESULTS.md, and the chart to bench/execution.svg
  --help         this text

It makes a Postgres of its own in the temporary folder (TMPDIR) and removes it at the end. 10 million tasks take about
10 GB there. BullMQ on Redis is measured where there is a redis-server, and definitions where the clone has the commit
that they are compared to. Progress goes to stderr. A part that fails is named at the end, with exit code 1; how figures
compare does not decide the exit code.
`;

const whole = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number(error).int(error).min(least, error).max(most, error);
};

// Fewer than a thousand have no task of some of the kinds that are read.
const finished = whole(1_000, 100_000_000);
const flag = z.boolean().default(false);
const partNames = z.array(z.enum(PART_NAMES, `must be some of ${PART_NAMES.join(', ')}`));

const optionsSchema = z
  .strictObject({
    quick: flag,
    small: finished.default(100_000),
    large: finished.optional(),
    tasks: whole(10, 1_000_000).optional(),
    rounds: whole(1, 100).optional(),
    repetitions: whole(1, 10_000).optional(),
    only: z
      .string()
      .transform((text) => text.split(','))
      .pipe(partNames)
      .default([...USUAL_PARTS]),
    json: flag,
    write: flag,
  })
  .transform(({ quick, ...options }) => ({
    ...options,
    isQuick: quick,
    large: options.large ?? (quick ? 400_000 : 10_000_000),
    tasks: options.tasks ?? (quick ? 5_000 : 50_000),
    rounds: options.rounds ?? (quick ? 2 : 5),
    repetitions: options.repetitions ?? (quick ? 30 : 300),
  }));

/** What is to be measured, with how many tasks and how often, and how it is to be told. */
export type BenchOptions = z.output<typeof optionsSchema>;

/** What the command line asks for. Throws with everything that is wrong with it, and with what is accepted. */
export function benchOptions(args: string[]): BenchOptions | 'help' {
  const { help, ...values } = readFlags(args);
  if (help === true) return 'help';
  const parsed = optionsSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw unusable(parsed.error.issues.map(({ path, message }) => `--${path[0]?.toString()} ${message}`));
}

function readFlags(args: string[]): Record<string, string | boolean | undefined> {
  const text = { type: 'string' } as const;
  const given = { type: 'boolean' } as const;
  try {
    const options = {
      ...{ quick: given, json: given, write: given, help: given, only: text },
      ...{ small: text, large: text, tasks: text, rounds: text, repetitions: text },
    };
    return { ...parseArgs({ args, options }).values };
  } catch (error) {
    throw unusable([error instanceof Error ? error.message : String(error)]);
  }
}

function unusable(problems: string[]): Error {
  return new Error(`${problems.join('\n')}\n\n${USAGE}`);
}
