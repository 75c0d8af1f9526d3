import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

// `npm run api`. While it starts, nearly all that is made lives on: with more room for what is young V8 keeps 60 MB more
// (300 definitions: 217 MB, and 158 so, for the same CPU). Under load it may have the usual room again.
setFlagsFromString('--semi-space-growth-factor=1');
// What Node has stripped of its types and compiled is kept beside the packages, which is a third of the CPU of each
// start but the first. Where it can't be written, each start is a first one; NODE_COMPILE_CACHE says where else.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled'));
await import('./serve.ts');
setFlagsFromString('--semi-space-growth-factor=2');
