import { expect, test } from 'vitest';
import { connectionOf } from '../../../cli/connection.ts';

test('an option takes precedence over a variable, and there is a default', () => {
  expect(connectionOf({}, {})).toEqual({ baseUrl: 'http://localhost:8080' });
  expect(connectionOf({}, { ERRAND_URL: 'https://a.example/x/', ERRAND_TOKEN: 't' })).toEqual({
    baseUrl: 'https://a.example/x',
    token: 't',
  });
  expect(
    connectionOf({ url: 'http://b', apiKey: 'k' }, { ERRAND_URL: 'http://a', ERRAND_TOKEN: 't' }),
  ).toEqual({
    baseUrl: 'http://b',
    apiKey: 'k',
  });
  expect(connectionOf({}, { ERRAND_URL: '', ERRAND_TOKEN: '', ERRAND_API_KEY: 'k' })).toEqual({
    baseUrl: 'http://localhost:8080',
    apiKey: 'k',
  });
});

test.each(['localhost:8080', 'ftp://a', 'http://a?x=1', 'nonsense'])('%j is no URL of an API', (url) => {
  expect(() => connectionOf({ url }, {})).toThrow(`got ${JSON.stringify(url)} (--url or ERRAND_URL)`);
});

test('two credentials are one too many', () => {
  expect(() => connectionOf({ token: 't', apiKey: 'k' }, {})).toThrow('--token and --api-key are both given');
  expect(() => connectionOf({}, { ERRAND_TOKEN: 't', ERRAND_API_KEY: 'k' })).toThrow(
    'ERRAND_TOKEN and ERRAND_API_KEY are both given',
  );
});

test('no message shows a secret', () => {
  const secret = 'hidden';
  const attempts = [
    () => connectionOf({ url: `http://user:${secret}@a` }, {}),
    () => connectionOf({ token: `${secret}\n` }, {}),
    () => connectionOf({ apiKey: `${secret} x` }, {}),
    () => connectionOf({ token: secret, apiKey: secret }, {}),
  ];
  for (const attempt of attempts) expect(attempt).toThrow(/^(?!.*hidden)/s);
});
