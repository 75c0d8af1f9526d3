import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Compiler } from '../project/compiler.ts';

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
