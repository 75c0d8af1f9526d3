import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// `npm run api`. What Node has stripped of its types and compiled is kept beside the packages, which is a third of the CPU of each
// start but the first. Where it can't be written, each start is a first one; NODE_COMPILE_CACHE says where else.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled'));
await import('./serve.ts');
