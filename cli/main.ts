import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// The entry of the command `errand`. Node keeps the compiled code, as for the API, so that commands start fast.
enableCompileCache({
  directory: join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled'),
  portable: true,
});
// A closed pipe, as by `errand list | head`, is a normal end.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}
const { run } = await import('./run.ts');
await run(process.argv);
