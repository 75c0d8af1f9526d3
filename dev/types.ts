import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
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

/** A program that ends with this process, even if this one is killed. */
const LEASHED = `"$@" </dev/null & read -r _; kill -TERM 0`;

/** Watches the types of a project. Writes each error with a prefix, and a line when there are none again. */
export function watchTypes(directory: string, compiler: Compiler, say: (line: string) => void): () => void {
  const flags = ['--noEmit', '--watch', '--preserveWatchOutput', '--pretty', 'false'];
  const child = spawn('/bin/sh', ['-c', LEASHED, 'sh', process.execPath, compiler.script, ...flags], {
    cwd: directory,
    stdio: ['pipe', 'pipe', 'inherit'],
    // Its shell ends the group when the pipe to it closes.
    detached: true,
  });
  child.on('error', (error) => say(`types: the compiler does not start: ${error.message}`));
  child.stdin.on('error', () => undefined);
  const report = typeReport(say);
  createInterface({ input: child.stdout }).on('line', report);
  return () => void child.stdin.end();
}

/**
 * Takes the lines of `tsc --watch`. Says each error, and how many there are, when that has changed: the compiler
 * also reports after changes of other files.
 */
export function typeReport(say: (line: string) => void): (line: string) => void {
  let lines: string[] = [];
  let last = '';
  return (line) => {
    const found = /Found (\d+) errors?\. Watching/.exec(line)?.[1];
    if (found === undefined) {
      if (!/^\s*$|(Starting compilation|Starting incremental)/.test(line)) lines.push(line);
      return;
    }
    lines.push(found === '0' ? 'no errors' : `${found} ${found === '1' ? 'error' : 'errors'}`);
    const report = lines.map((one) => `types: ${one}`).join('\n');
    if (report !== last) say(report);
    last = report;
    lines = [];
  };
}
