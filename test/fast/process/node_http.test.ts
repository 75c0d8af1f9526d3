import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ROOT } from '../../support/checkout/documents.ts';

test('an API loads no undici of Node at its start, which costs 60 ms of CPU', () => {
  const loaded = `await import('./api/app.ts'); await import('./process/http.ts'); console.log(JSON.stringify(process.moduleLoadList));`;
  const list = execFileSync(process.execPath, ['--input-type=module', '-e', loaded], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const modules = JSON.parse(list) as string[];
  expect(modules).toContainEqual(expect.stringMatching(/^NativeModule http$/));
  expect(modules.filter((name) => name.includes('deps/undici'))).toEqual([]);
});
