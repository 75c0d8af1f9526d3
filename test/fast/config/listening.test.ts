import { expect, test } from 'vitest';
import { apiListening, runnerListening } from '../../../config/listening.ts';
import { parseConfig } from '../../../config/load.ts';

const PRODUCTION = { NODE_ENV: 'production' };
const OPEN = { AUTH_ENABLED: 'false' };

test.each([
  ['without settings', {}, '127.0.0.1', '127.0.0.1'],
  ['in development with authentication', { AUTH_ENABLED: 'true' }, '0.0.0.0', '127.0.0.1'],
  ['in production', PRODUCTION, '0.0.0.0', '0.0.0.0'],
  ['in production without authentication', { ...PRODUCTION, ...OPEN }, '127.0.0.1', '127.0.0.1'],
  ['when it is said aloud', { ...OPEN, SERVER_HOST: '0.0.0.0' }, '0.0.0.0', '0.0.0.0'],
  ['when another address is said', { SERVER_HOST: '10.0.0.5' }, '10.0.0.5', '10.0.0.5'],
])('%s the API listens on its address, and the runner on its own', (_when, environment, api, runner) => {
  const config = parseConfig(environment as Record<string, string>);
  expect([apiListening(config).host, runnerListening(config).host]).toEqual([api, runner]);
});

test('names are free where SERVER_HOST leads beyond this machine, unless ALLOWED_HOSTS has them', () => {
  const names = (environment: Record<string, string>) => apiListening(parseConfig(environment)).names;
  expect(names({})).toEqual([]);
  for (const SERVER_HOST of ['127.0.0.1', '127.1.2.3', 'localhost', '::1'])
    expect(names({ SERVER_HOST })).toEqual([]);
  expect(names({ SERVER_HOST: '0.0.0.0' })).toBeNull();
  const ALLOWED_HOSTS = 'Errand.example.com, 10.0.0.5';
  expect(names({ ALLOWED_HOSTS })).toEqual(['errand.example.com', '10.0.0.5']);
  expect(names({ ALLOWED_HOSTS, SERVER_HOST: '0.0.0.0' })).toEqual(['errand.example.com', '10.0.0.5']);
  // Prometheus asks runners by addresses.
  expect(runnerListening(parseConfig({ ALLOWED_HOSTS, SERVER_HOST: '0.0.0.0' })).names).toBeNull();
});

test.each(['errand.example.com:8080', 'https://errand.example.com', 'a,,b', '*'])(
  'ALLOWED_HOSTS=%s is no list of host names',
  (ALLOWED_HOSTS) => {
    expect(() => parseConfig({ ALLOWED_HOSTS })).toThrow(`ALLOWED_HOSTS=${ALLOWED_HOSTS} is not accepted`);
  },
);
