import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ID_PATTERN } from './api_keys.ts';
import { SCOPES } from './principal.ts';
import { ALL_NAMESPACES, NAMESPACE_PATTERN } from './rights.ts';

export const USAGE = `Makes credentials for Errand's API.

A development token, signed with a key of this checkout; not for production:
  npm run token -- --sub alice --namespaces billing,shipping --scopes read,submit --minutes 60

An API key; API_KEYS gets its hash:
  npm run token -- --api-key --id ci --namespaces billing --scopes read,submit --days 90

  --namespaces  the namespaces that it may see and act in, separated by commas, or *
  --scopes      some of ${SCOPES.join(', ')}, separated by commas
  --sub         the user of the token
  --minutes     how long the token is valid (default: 60)
  --api-key     make an API key instead of a token
  --id          the name of the key, in lower case
  --days        how long the key is valid (default: until you remove it from API_KEYS)
  --json        everything as JSON on stdout
  --help        this text

The secret goes to stdout and everything else to stderr:
  TOKEN=$(npm run token --silent -- --sub alice --namespaces billing --scopes read)
`;

const list = z.string().transform((text) => text.split(',').map((part) => part.trim()));
const grants = {
  namespaces: list.pipe(
    z.array(
      z
        .string()
        .refine(
          (text) => text === ALL_NAMESPACES || NAMESPACE_PATTERN.test(text),
          'must be namespaces separated by commas, or *',
        ),
    ),
  ),
  scopes: list.pipe(z.array(z.enum(SCOPES, `must be some of ${SCOPES.join(', ')}, separated by commas`))),
  json: z.boolean().default(false),
};
const integerUpTo = (max: number) => {
  const error = `must be an integer from 1 to ${max}`;
  return z.coerce.number(error).int(error).min(1, error).max(max, error);
};

const tokenSchema = z.strictObject({
  ...grants,
  sub: z.string().regex(/^\P{Cc}{1,200}$/u, 'must be 1 to 200 printable characters'),
  minutes: integerUpTo(10_080).default(60),
});
const keySchema = z.strictObject({
  ...grants,
  'api-key': z.literal(true),
  id: z.string().regex(ID_PATTERN, `must match ${ID_PATTERN}`),
  days: integerUpTo(3_650).optional(),
});

export type TokenOptions = z.output<typeof tokenSchema>;
export type KeyOptions = z.output<typeof keySchema>;

/** The parsed command line. Throws with every problem in it and with the usage text. */
export function mintOptions(args: string[]): TokenOptions | KeyOptions | 'help' {
  const values = readFlags(args);
  if (values.help === true) return 'help';
  const checked = toMintOptions(values);
  if ('options' in checked) return checked.options;
  throw unusable(checked.problems);
}

type Flags = Record<string, string | boolean | undefined>;

/** The options of given flags, or every problem in them. */
export function toMintOptions(
  values: Flags,
): { options: TokenOptions | KeyOptions } | { problems: string[] } {
  const parsed = (values['api-key'] === true ? keySchema : tokenSchema).safeParse(values);
  if (parsed.success) return { options: parsed.data };
  return { problems: parsed.error.issues.flatMap((issue) => toProblems(issue, values)) };
}

function toProblems(issue: z.core.$ZodIssue, values: Flags): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `--${key} cannot be combined with the other options`);
  const flag = String(issue.path[0]);
  return [`--${flag} ${values[flag] === undefined ? 'is missing' : issue.message}`];
}

function readFlags(args: string[]): Flags {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const options = {
      ...{ sub: text, minutes: text, id: text, days: text, namespaces: text, scopes: text },
      ...{ 'api-key': flag, json: flag, help: flag },
    };
    return { ...parseArgs({ args, options }).values };
  } catch (error) {
    throw unusable([error instanceof Error ? error.message : String(error)]);
  }
}

function unusable(problems: string[]): Error {
  return new Error(`${problems.join('\n')}\n\n${USAGE}`);
}
