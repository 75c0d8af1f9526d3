import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { whenDone } from '../when_done.ts';
import { ROOT } from './documents.ts';
import { copySources } from './newcomer.ts';
import { removeScratch, scratchFolder } from './scratch.ts';

/** A copy of this checkout, with what is installed here; removed when the test, or the file that made it for all, is done. Gives its path. */
export function copyOfCheckout(): string {
  const folder = scratchFolder(0o755);
  whenDone(() => removeScratch(folder));
  copySources(folder);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Edits a file where the text is; throws when it is not there. */
export function edit(file: string, where: RegExp, change: (found: string) => string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(where);
  writeFileSync(file, text.replace(where, change));
}
