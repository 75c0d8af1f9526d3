import { expect, test } from 'vitest';
import { parseConfig } from '../../../config/load.ts';

test('PUBLIC_URL is an http(s) URL with or without a path, taken without a slash at its end', () => {
  for (const [given, taken] of [
    ['https://example.com', 'https://example.com'],
    ['https://Example.com/queue/', 'https://example.com/queue'],
    ['http://10.0.0.1:8080/a/b', 'http://10.0.0.1:8080/a/b'],
  ] as const) {
    expect(parseConfig({ PUBLIC_URL: given }).PUBLIC_URL).toBe(taken);
  }
});

test('a PUBLIC_URL that is no such URL is refused, with an example', () => {
  for (const odd of [
    '/queue',
    'example.com',
    'ftp://example.com',
    'https://me:secret@example.com',
    'https://example.com/a?b',
    'https://example.com/#a',
    'https://example.com//a',
    'https://exa mple.com',
    'https://:80',
  ]) {
    expect(() => parseConfig({ PUBLIC_URL: odd }), odd).toThrow(/PUBLIC_URL.*https:\/\/example\.com\/queue/);
  }
});
