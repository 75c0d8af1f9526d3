import { enableCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { compileCache } from '../process/compile_cache.ts';

// `npm run runner`, which starts with bin/runner.js. For the flags see api/main.ts: an idle runner has 30 MB
// less.
setFlagsFromString('--semi-space-growth-factor=1');
// Of use if this file is started itself: bin/runner.js has done this already.
enableCompileCache({ directory: compileCache(), portable: true });
await import('./serve.ts');
setFlagsFromString('--semi-space-growth-factor=2');
