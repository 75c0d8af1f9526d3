import { enableCompileCache } from 'node:module';
import { compileCache } from '../process/compile_cache.ts';

// `npm run runner`. Node keeps the compiled code beside the packages, as for the API: this saves a
// third of the CPU of each start except the first. If Node cannot write there, each start compiles.
enableCompileCache({ directory: compileCache(), portable: true });
await import('./serve.ts');
