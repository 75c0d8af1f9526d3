import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const named = z.object({ name: z.string().min(1) });

/** The name in the nearest package.json that has one, in this folder or above it. Null if there is none. */
export function packageName(directory: string): string | null {
  const name = nameIn(join(directory, 'package.json'));
  const above = dirname(directory);
  return name ?? (above === directory ? null : packageName(above));
}

/** Null also for a file that is missing or broken: whoever needs it reports that. */
function nameIn(file: string): string | null {
  try {
    return named.parse(JSON.parse(readFileSync(file, 'utf8'))).name;
  } catch {
    return null;
  }
}
