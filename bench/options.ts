import { parseArgs } from 'node:util';
import { z } from 'zod';

/**
 * The parts that can be measured alone, in the order of the report. Parts that need many finished
 * tasks come last.
 */
export const PART_NAMES = [
  ...(['execute', 'one-by-one', 'runners', 'mix', 'backlog', 'http', 'latency'] as const),
  ...([
    'memory',
    'recovery',
    'workflows',
    'batches',
    'schedules',
    'limits',
    'dashboard',
    'streams',
    'definitions',
    'before',
    'reads-before',
    'faults',
    'profile',
    'reads',
    'ledger',
  ] as const),
] as const;

export type PartName = (typeof PART_NAMES)[number];

/** The parts that are measured by default: all comparisons. */
export const USUAL_PARTS = PART_NAMES.filter((name) => name !== 'profile');

export const USAGE = `Measures Errand and other queues on one Postgres in turns: the cost of executing, submitting and waiting, the cost of
reading with few and with many finished tasks, schedules, limits, memory, and recovery. Compared with an earlier build it measures the cost
of definitions, the speed of everything, workflows, starts, and how long clients wait while another client does harm.

  npm run bench                     takes about an hour
  npm run bench -- --quick          takes a few minutes: fewer tasks and rounds, so the figures vary more

  --only         parts, separated by commas: ${PART_NAMES.slice(0, 6).join(', ')},
                 ${PART_NAMES.slice(6).join(', ')}; default: all except profile
  --tasks        tasks executed in a round; other parts use multiples of it
  --rounds       how often each queue is measured
  --repetitions  how often each read, start and workflow is measured
  --small        finished tasks in the first database for reads
  --large        finished tasks in the second database
  --json         print JSON with every round instead of tables
  --write        also write the tables to bench/RESULTS.md, and the chart to bench/execution.svg
  --help         print this text

It starts its own Postgres in the temporary folder (TMPDIR) and removes it at the end. 10 million tasks need about 10 GB
there. BullMQ on Redis is measured if redis-server is installed. Comparisons with an earlier build need its commit in the
clone. Progress goes to stderr. If a part fails, it is named at the end and the exit code is 1. Missed goals do not
change the exit code.
`;

const integer = (least: number, most: number) => {
  const error = `must be an integer from ${least} to ${most}`;
  return z.coerce.number(error).int(error).min(least, error).max(most, error);
};

// With fewer than a thousand, some of the kinds that are read have no task.
const finished = integer(1_000, 100_000_000);
const flag = z.boolean().default(false);
const partNames = z.array(z.enum(PART_NAMES, `must be some of ${PART_NAMES.join(', ')}`));

const optionsSchema = z
  .strictObject({
    quick: flag,
    small: finished.default(100_000),
    large: finished.optional(),
    tasks: integer(10, 1_000_000).optional(),
    rounds: integer(1, 100).optional(),
    repetitions: integer(1, 10_000).optional(),
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

/** The parts to measure, the numbers of tasks and repetitions, and the output format. */
export type BenchOptions = z.output<typeof optionsSchema>;

/** Parses the command line. Throws with all problems and the usage. */
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
