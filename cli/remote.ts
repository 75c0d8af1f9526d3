import { Command } from 'commander';
import { DEFAULT_URL, type RemoteOptions } from './connection.ts';
import type { Session } from './session.ts';

/** The heading of the options that all these commands share. It is the last one in their help. */
export const CONNECTION = 'Connection:';

/** A command that talks to an API, with the options for that. `json` describes what `--json` prints. */
export function remoteCommand(name: string, description: string, json: string): Command {
  return new Command(name)
    .description(description)
    .optionsGroup(CONNECTION)
    .option('--url <url>', `the API (default: ERRAND_URL, or else ${DEFAULT_URL})`)
    .option('--token <token>', 'a bearer token; ERRAND_TOKEN keeps it out of the list of processes')
    .option('--api-key <key>', 'an API key, instead of a token (ERRAND_API_KEY)')
    .option('--debug', 'show where an error was thrown')
    .optionsGroup('Options:')
    .option('--json', `print ${json}`);
}

/**
 * The action of such a command. The client and all that prints are loaded when it runs, so that other commands
 * start fast. `run` may give an exit code.
 */
export function withSession<Args extends [...unknown[], RemoteOptions]>(
  run: (session: Session, ...args: Args) => Promise<number | undefined> | Promise<void>,
): (...args: [...Args, Command]) => Promise<void> {
  return async (...args) => {
    const given = args.slice(0, -1) as unknown as Args;
    const options = given.at(-1) as RemoteOptions;
    const { runRemote } = await import('./session.ts');
    await runRemote(options, async (session) => (await run(session, ...given)) ?? undefined);
  };
}

/** Adds examples to the help of a command, each with what it does. */
export function withExamples(
  command: Command,
  examples: readonly (readonly [line: string, does: string])[],
): Command {
  const lines = examples.map(([line, does]) => `  # ${does}\n  ${line}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n\n')}`);
}
