import { keepCompiledCode, runModule } from './entry.js';

// `npm run runner`: starts a runner in this process.
keepCompiledCode();
await runModule('runner/main');
