// What `import … from 'errand/server'` gives: Errand inside the process of another application.
export { createErrand, type Errand } from './errand.ts';
export type { Router } from './mount.ts';
export type { DatabaseOptions, ErrandOptions, HostLogger } from './options.ts';
