import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// `npm run runner`. Node keeps the compiled code beside the packages, as for the API: this saves a
// third of the CPU of each start except the first. If Node cannot write there, each start compiles.
enableCompileCache({
  directory: join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled'),
  portable: true,
});
await import('./serve.ts');
