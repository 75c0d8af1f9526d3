import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where started processes write what they ran, in the folder of the report. Vitest removes `.tmp` after it. */
export const PROCESSES = join('.tmp', 'processes');

/** What one process or thread ran of a script, in V8's words. */
export type ScriptRun = { url: string; functions: unknown[] };

/**
 * What the processes ran that wrote to the folder, one after the other. The file of a process that was killed
 * while it wrote is passed over.
 */
export function* processRuns(folder: string): Generator<ScriptRun[]> {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const scripts = scriptsOf(readFileSync(join(folder, name), 'utf8'));
    if (scripts !== undefined) yield scripts;
  }
}

function scriptsOf(text: string): ScriptRun[] | undefined {
  try {
    return (JSON.parse(text) as { result: ScriptRun[] }).result;
  } catch {
    return undefined;
  }
}
