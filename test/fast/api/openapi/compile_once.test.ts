import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { compilePathsOnce } from '../../../../api/openapi/compile_once.ts';

// As the validator finds it.
const ofValidator = createRequire(createRequire(import.meta.url).resolve('express-openapi-validator'));
const library = ofValidator('path-to-regexp') as {
  pathToRegexp(path: string, options: object): { regexp: RegExp; keys: { name: string }[] };
};

test('the validator of requests gets each path compiled once, by its options', () => {
  compilePathsOnce();
  compilePathsOnce();
  const compile = (path: string, options: object) => library.pathToRegexp(path, options);
  const first = compile('/v1/things/:id', { sensitive: false, strict: false });
  expect(compile('/v1/things/:id', { sensitive: false, strict: false })).toBe(first);
  expect(compile('/v1/things/:id', { sensitive: false, strict: true })).not.toBe(first);
  expect(compile('/v1/things/:id', { sensitive: true, strict: false })).not.toBe(first);
  expect(compile('/v1/others/:id', { sensitive: false, strict: false })).not.toBe(first);
  expect(first.regexp.exec('/v1/things/7')?.[1]).toBe('7');
  expect(first.keys).toMatchObject([{ name: 'id' }]);
});
