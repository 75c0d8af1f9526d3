import { enableCompileCache } from 'node:module';
import { compileCache } from '../process/compile_cache.ts';

// The entry of the command `errand`. Node keeps the compiled code, as for the API, so that commands start fast.
enableCompileCache({ directory: compileCache(), portable: true });
// A closed pipe, as by `errand list | head`, is a normal end.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}
const { run } = await import('./run.ts');
await run(process.argv);
