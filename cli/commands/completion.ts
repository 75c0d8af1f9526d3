import { Argument, Command } from 'commander';
import { withExamples } from '../remote.ts';

/** `errand completion`: prints a script for a shell. */
export function completionCommand(): Command {
  const command = new Command('completion')
    .description('Print a script that completes commands, options, names of tasks and ids')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh']));
  return withExamples(command, [
    ['source <(errand completion bash)', 'in ~/.bashrc'],
    ['source <(errand completion zsh)', 'in ~/.zshrc'],
  ]).action(async (shell: 'bash' | 'zsh') => {
    const { SCRIPTS } = await import('../completion/scripts.ts');
    process.stdout.write(SCRIPTS[shell]);
  });
}

/** `errand __complete`: what the scripts ask. It prints a candidate per line, and never an error. */
export function completeCommand(program: () => Command): Command {
  return new Command('__complete')
    .argument('<shell>')
    .argument('[words...]', 'the words after the program, up to the cursor')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (shell: string, words: string[]) => {
      const { complete } = await import('../completion/complete.ts');
      process.stdout.write(await complete(program(), shell, words));
    });
}
