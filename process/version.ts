import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));

/** The version of Errand, from package.json. */
export const VERSION = z.object({ version: z.string() }).parse(manifest).version;
