import { dirname, join } from 'node:path';
import { mendDeclarations } from './declarations.ts';

// The last step of the build of @errand/client, after the compiler.
const DIST = join(dirname(import.meta.dirname), 'client', 'dist');
mendDeclarations(DIST, [join(DIST, 'index.d.ts')]);
