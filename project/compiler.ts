import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const manifestSchema = z.object({ version: z.string(), bin: z.object({ tsc: z.string() }) });

/** The TypeScript of a project. */
export type Compiler = { readonly script: string; readonly version: string };

/** The TypeScript that a project has installed, if it has a tsconfig.json too; otherwise null. */
export function compilerOf(directory: string): Compiler | null {
  if (!existsSync(join(directory, 'tsconfig.json'))) return null;
  try {
    const manifest = createRequire(join(directory, 'package.json')).resolve('typescript/package.json');
    const { version, bin } = manifestSchema.parse(JSON.parse(readFileSync(manifest, 'utf8')));
    return { script: join(dirname(manifest), bin.tsc), version };
  } catch {
    return null;
  }
}
