import { Command } from 'commander';
import { doctorCommand } from './commands/doctor.ts';

// Stands in for the command line until it is there.
const program = new Command('errand');
for (const command of [doctorCommand()]) program.addCommand(command);
await program.parseAsync();
