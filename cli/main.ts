import { Command } from 'commander';
import { doctorCommand } from './commands/doctor.ts';
import { migrateCommand } from './commands/migrate.ts';

// Stands in for the command line until it is there.
const program = new Command('errand');
for (const command of [doctorCommand(), migrateCommand()]) program.addCommand(command);
await program.parseAsync();
