import { Command } from 'commander';
import { checkCommand } from './commands/check.ts';
import { devCommand } from './commands/dev.ts';
import { initCommand } from './commands/init.ts';

const program = new Command('errand');
program.addCommand(devCommand());
program.addCommand(checkCommand());
program.addCommand(initCommand());
program.command('start').action(async () => void (await import('../embedded/start.ts')));
program.command('api').action(async () => void (await import('../api/main.ts')));
program.command('runner').action(async () => void (await import('../runner/main.ts')));
program.command('migrate').action(async () => void (await import('../process/migrate.ts')));
try {
  await program.parseAsync(process.argv);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
