import { Command } from 'commander';
import { UsageError } from '../exit_codes.ts';
import { withExamples } from '../remote.ts';

type Options = Record<string, string | boolean | undefined>;

/** `errand token`: makes a development token or an API key. It talks to no API. */
export function tokenCommand(): Command {
  const command = new Command('token')
    .description('Make a token for development, or an API key. The secret goes to standard output')
    .option('--sub <user>', 'the user of the token')
    .option('--minutes <number>', 'how long the token is valid (default: 60)')
    .option('--api-key', 'make an API key instead of a token')
    .option('--id <id>', 'the name of the key, in lower case')
    .option('--days <number>', 'how long the key is valid (default: until you remove it from API_KEYS)')
    .option('--namespaces <list>', 'the namespaces that it may see and act in, separated by commas, or *')
    .option('--scopes <list>', 'its scopes, separated by commas: read, submit, operate')
    .option('--json', 'print everything as one JSON document');
  return withExamples(command, [
    [`errand token --sub alice --namespaces '*' --scopes read,submit,operate`, 'a token for an hour'],
    ['errand token --api-key --id ci --namespaces billing --scopes submit --days 90', 'an API key'],
  ]).action(async ({ apiKey, ...given }: Options) => {
    const [{ toMintOptions }, { mint, printMinted }] = await Promise.all([
      import('../../api/auth/mint_options.ts'),
      import('../../api/auth/credentials.ts'),
    ]);
    const flags = apiKey === undefined ? given : { ...given, 'api-key': apiKey };
    const checked = toMintOptions(flags);
    if ('problems' in checked) throw new UsageError(checked.problems.join('\n'));
    printMinted(await mint(checked.options), checked.options.json);
  });
}
