import { expect } from 'vitest';
import type { Detail } from '../../../core/errors.ts';
import type { Misfit } from './row.ts';

/**
 * Asserts that these are the details of a misfit, each told once, with `prefix` as the path of its payload:
 * `/payload` at a runner, `/body/payload` over HTTP.
 */
export function expectDetails(details: Detail[], { paths, messages }: Misfit, prefix: string): void {
  expect([...new Set(details.map(({ path }) => path))].toSorted()).toEqual(
    paths.map((path) => `${prefix}${path}`),
  );
  const lines = details.map(({ path, message }) => `${path} ${message}`);
  expect(new Set(lines).size).toBe(lines.length);
  for (const { message } of details) expect(message).not.toBe('');
  for (const [path, message] of Object.entries(messages)) {
    expect(lines).toContainEqual(expect.stringMatching(telling(`${prefix}${path}`, message)));
  }
}

/** A detail at a path which has the definition's own words in it, as they are. */
function telling(path: string, message: string): RegExp {
  return new RegExp(`^${RegExp.escape(path)} .*${RegExp.escape(message)}`);
}
