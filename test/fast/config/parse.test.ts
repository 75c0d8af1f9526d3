import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeVariables } from '../../../config/describe.ts';
import {
  ConfigError,
  connectionString,
  maskSecrets,
  parseConfig,
  wantsEmbeddedPostgres,
} from '../../../config/load.ts';
import { EMBEDDED_POSTGRES_PORT } from '../../../config/schema.ts';

const URL = 'postgres://ahab:whale@db.example:5433/pequod';

/** The message of a configuration that is refused. */
function refusal(environment: Record<string, string>): string {
  try {
    parseConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(environment)} was accepted`);
}

describe('what is accepted', () => {
  test('an empty environment gives the defaults', () => {
    expect(parseConfig({})).toMatchObject({
      EMBEDDED_POSTGRES_PORT,
      NODE_ENV: 'development',
      SERVER_PORT: 8080,
      RUNNER_CONCURRENCY: 10,
      REQUEST_TIMEOUT_SECS: 30,
      SHUTDOWN_TIMEOUT_SECS: 30,
      ABORT_GRACE_SECS: 5,
      ALLOW_PRIVATE_TARGETS: false,
      LOG_LEVEL: 'info',
    });
    expect(parseConfig({})).not.toHaveProperty('RUNNER_PORT');
    expect(parseConfig({})).not.toHaveProperty('SERVER_HOST');
    expect(parseConfig({})).not.toHaveProperty('DATABASE_URL');
  });

  test('texts become what they say', () => {
    const given = {
      SERVER_PORT: '81',
      ABORT_GRACE_SECS: '0.5',
      ALLOW_PRIVATE_TARGETS: 'true',
      DATABASE_URL: URL,
    };
    expect(parseConfig(given)).toMatchObject({
      SERVER_PORT: 81,
      ABORT_GRACE_SECS: 0.5,
      ALLOW_PRIVATE_TARGETS: true,
      DATABASE_URL: URL,
    });
  });

  test('an empty value is an unset one', () => {
    const empty = Object.fromEntries(describeVariables().map(({ name }) => [name, '']));
    expect(parseConfig(empty)).toEqual(parseConfig({}));
  });

  test('other variables of the environment are nobody’s business', () => {
    expect(parseConfig({ PATH: '/bin', HOME: '/root' })).toEqual(parseConfig({}));
  });
});

/** A value that the variable does not accept, or undefined when it takes any text. */
function badValue(accepts: string): string | undefined {
  if (accepts === 'text') return undefined;
  return accepts.includes('number') ? 'abc' : 'neither of them';
}

const BAD = describeVariables().flatMap(({ name, accepts, isSecret }) => {
  const value = badValue(accepts);
  return value === undefined ? [] : [{ name, value, accepts, shown: isSecret ? '***' : value }];
});

describe('what is not accepted', () => {
  test.each(BAD)('$name=$value is named, with what it must be', ({ name, value, accepts, shown }) => {
    expect(refusal({ [name]: value })).toContain(
      `  ${name}=${shown} is not accepted: it must be ${accepts} (`,
    );
  });

  test('all of it at once, each variable once', () => {
    const message = refusal(Object.fromEntries(BAD.map(({ name, value }) => [name, value])));
    expect(message.split('\n')).toEqual([
      'The configuration is not valid:',
      ...BAD.map(({ name }) => expect.stringMatching(new RegExp(`^  ${name}=`))),
    ]);
    // Neither a whole number nor in its range: two issues of one variable.
    expect(refusal({ SERVER_PORT: '99999.5' }).split('\n')).toHaveLength(2);
  });

  test('what a variable must be is said in words', () => {
    expect(refusal({ SERVER_PORT: '65536' })).toBe(
      'The configuration is not valid:\n' +
        '  SERVER_PORT=65536 is not accepted: it must be an integer from 1 to 65535 (Port of the API)',
    );
    expect(refusal({ ABORT_GRACE_SECS: '0' })).toContain('it must be a number above 0, up to 3600 (');
    expect(refusal({ ALLOW_PRIVATE_TARGETS: 'yes' })).toContain('it must be `true` or `false` (');
    expect(refusal({ NODE_ENV: 'prod' })).toContain('it must be `development`, `production` or `test` (');
    expect(refusal({ DATABASE_URL: 'db' })).toContain(
      'it must be text like `postgres://user:password@host:5432/database` (',
    );
  });

  test('the bounds are the ones that are told', () => {
    const values = {
      SERVER_PORT: ['0', '65536', '-1', '80.5', 'Infinity', '0x', '٣'],
      ABORT_GRACE_SECS: ['0', '-1', '3601'],
    };
    for (const [name, list] of Object.entries(values)) {
      for (const value of list) expect(refusal({ [name]: value })).toContain(`${name}=${value} is`);
    }
    expect(parseConfig({ SERVER_PORT: '1' }).SERVER_PORT).toBe(1);
    expect(parseConfig({ SERVER_PORT: '65535', ABORT_GRACE_SECS: '3600' })).toMatchObject({
      SERVER_PORT: 65_535,
    });
  });
});

describe('secrets', () => {
  test.each([
    'mysql://ahab:whale@db/pequod',
    'ahab:whale@db:5432/pequod',
    'postgress://ahab:wh@le@db/pequod',
    'host=db user=ahab password=whale',
    'http://db/pequod?user=ahab&password=whale',
  ])('a DATABASE_URL that is not one is shown without its password: %s', (value) => {
    const message = refusal({ DATABASE_URL: value });
    expect(message).toContain('***');
    expect(message).not.toMatch(/whale|wh@|le@db/);
  });

  test('the rest of an URL stays readable', () => {
    expect(maskSecrets(URL)).toBe('postgres://ahab:***@db.example:5433/pequod');
    for (const url of [
      'postgres://ahab@db/pequod',
      'postgres://db:5433/pequod',
      'postgres://[::1]:5433/a',
      '/socket',
    ]) {
      expect(maskSecrets(url)).toBe(url);
    }
  });

  test('no password is ever shown, whatever is in it', () => {
    const secret = fc.string({ minLength: 1, unit: 'binary-ascii' }).map((text) => `<${text}>`);
    fc.assert(
      fc.property(secret, fc.constantFrom('postgres://', 'http://', ''), (password, scheme) => {
        expect(maskSecrets(`${scheme}ahab:${password}@db/pequod`)).toBe(`${scheme}ahab:***@db/pequod`);
      }),
    );
  });
});

describe('where Postgres is', () => {
  const embedded = `postgres://errand:errand@127.0.0.1:${EMBEDDED_POSTGRES_PORT}/errand`;

  test('DATABASE_URL, else PGHOST and its kin, else the embedded one', () => {
    expect(connectionString(parseConfig({ DATABASE_URL: URL, PGHOST: 'other' }))).toBe(URL);
    expect(connectionString(parseConfig({ PGHOST: 'other' }))).toBeUndefined();
    expect(connectionString(parseConfig({}))).toBe(embedded);
    expect(connectionString(parseConfig({ EMBEDDED_POSTGRES_PORT: '5999' }))).toContain('127.0.0.1:5999/');
  });

  test('the embedded one is brought up only when nothing else is configured', () => {
    expect(wantsEmbeddedPostgres(parseConfig({}))).toBe(true);
    expect(wantsEmbeddedPostgres(parseConfig({ DATABASE_URL: '', PGHOST: '' }))).toBe(true);
    expect(wantsEmbeddedPostgres(parseConfig({ DATABASE_URL: URL }))).toBe(false);
    expect(wantsEmbeddedPostgres(parseConfig({ PGHOST: 'db' }))).toBe(false);
  });
});

test('a key in place of its hash is not shown', () => {
  const key = 'errand_ci_0123456789012345678901234567890123456789012';
  expect(() => parseConfig({ API_KEYS: key })).toThrow(/API_KEYS=\*\*\* is not accepted/);
  expect(() => parseConfig({ API_KEYS: key })).not.toThrow(key);
});
