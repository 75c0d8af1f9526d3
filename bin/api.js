import { keepCompiledCode, runModule } from './entry.js';

// `npm run api`: starts the API in this process.
keepCompiledCode();
await runModule('api/main');
