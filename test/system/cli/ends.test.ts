import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { authenticator, makeKey } from '../../fast/api/auth/keys.ts';
import { documentText } from '../../support/checkout/documents.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { type Ended, start, startPool } from './errand.ts';

// How commands end when something is wrong: usage, connection, credentials. And what they print where.

const { key, entry } = makeKey('reader', { namespaces: ['example'], scopes: ['read'] });
const { errand, api } = await startPool({
  authenticate: await authenticator({ AUTH_ENABLED: 'true', API_KEYS: JSON.stringify([entry]) }),
});
const folder = scratchFolder(0o755);
afterAll(() => removeScratch(folder));

const stderrOf = ({ stderr }: Ended): string => stderr;

test('an unknown command or option suggests the near one, and ends with 2', async () => {
  const [command, option, argument, nothing] = await Promise.all([
    errand('lst'),
    errand('list --stat failed'),
    errand('get'),
    start([], { input: '' }).ended,
  ]);
  expect(command).toEqual({
    code: 2,
    stdout: '',
    stderr: "error: unknown command 'lst'\n(Did you mean list?)\nSee errand --help\n",
  });
  expect(option).toMatchObject({ code: 2, stdout: '' });
  expect(stderrOf(option)).toBe(
    "error: unknown option '--stat'\n(Did you mean --state?)\nSee errand list --help\n",
  );
  expect(stderrOf(argument)).toBe("error: missing required argument 'id'\nSee errand get --help\n");
  expect(nothing).toMatchObject({ code: 2, stdout: expect.stringMatching(/^Usage: errand <command>/) });
});

test('help and version are no errors; help has commands, variables and exit codes', async () => {
  const [help, ofList, version] = await Promise.all([
    errand('--help'),
    errand('help list'),
    errand('--version'),
  ]);
  expect([help.code, help.stderr, ofList.code, version.code]).toEqual([0, '', 0, 0]);
  expect(help.stdout).toMatch(/^ {2}submit <name> \[payload\] +Submit a task/m);
  expect(help.stdout).toMatch(/^ {2}ERRAND_URL .*\n {2}ERRAND_TOKEN/m);
  expect(help.stdout.match(/^ {2}\d+ +\S.*$/gm)?.map((line) => Number.parseInt(line, 10))).toEqual([
    0, 1, 2, 3, 4, 5, 130,
  ]);
  expect(ofList.stdout).toContain('\nExamples:\n');
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('without an API it ends with 3, and says where it looked', async () => {
  const gone = await errand('list', { environment: { ERRAND_URL: 'http://127.0.0.1:9' } });
  expect(gone).toMatchObject({ code: 3, stdout: '' });
  expect(gone.stderr).toMatch(
    /^error: GET http:\/\/127\.0\.0\.1:9\/v1\/tasks got no answer: .*\nCheck that the API runs at http:\/\/127\.0\.0\.1:9 \(--url or ERRAND_URL\)\. `errand start` starts one\.\n$/,
  );
  const debug = await errand('list --debug', { environment: { ERRAND_URL: 'http://127.0.0.1:9' } });
  expect(debug.stderr).toMatch(/\nConnectionError: .*\n {4}at .*[\s\S]*\ncaused by TypeError/);
});

test('a server that is something else is named', async () => {
  const other = createServer((_request, response) => response.end('<html>hello'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const ended = await errand(['runners', '--url', url]);
  expect([ended.code, ended.stderr]).toEqual([
    3,
    expect.stringContaining(`Check that ${url} is the API of Errand`),
  ]);
});

test('without credentials, or with too few, it ends with 4', async () => {
  const [none, wrong, few] = await Promise.all([
    errand('submit example.echo {}'),
    errand('runners --api-key errand_reader_wrong'),
    errand(['submit', 'example.echo', '{"message":"x"}'], { environment: { ERRAND_API_KEY: key } }),
  ]);
  expect([none.code, wrong.code, few.code]).toEqual([4, 4, 4]);
  expect(none.stderr).toContain('Give a token (--token, ERRAND_TOKEN) or an API key');
  expect(few.stderr).toContain('Use credentials with this scope and this namespace.');
  expect(none.stderr + wrong.stderr + few.stderr).not.toMatch(/wrong|errand_reader/);
});

test('the URL and the key can be in .env of the working folder; the environment takes precedence', async () => {
  const place = join(folder, 'with-env');
  mkdirSync(place);
  writeFileSync(join(place, '.env'), `ERRAND_URL=${api.url}\nERRAND_API_KEY=${key}\n`);
  expect(await start(['runners'], { folder: place, input: '' }).ended).toMatchObject({ code: 0 });
  const elsewhere = start(['runners'], {
    folder: place,
    input: '',
    environment: { ERRAND_URL: 'http://127.0.0.1:9' },
  });
  expect((await elsewhere.ended).code).toBe(3);
});

test('colours only if they are asked for, as this is no terminal', async () => {
  const environment = { ERRAND_API_KEY: key };
  const [plain, forced] = await Promise.all([
    errand('stats', { environment }),
    errand('stats', { environment: { ...environment, FORCE_COLOR: '1' } }),
  ]);
  expect(plain.stdout).not.toContain('\u001B');
  expect(forced.stdout).toContain('\u001B[36mrunning\u001B[39m');
});

test('errand token makes a key and lists what is wrong', async () => {
  const made = await errand('token --api-key --id ci --namespaces billing --scopes read,submit --json', {
    folder,
  });
  expect(JSON.parse(made.stdout)).toMatchObject({
    key: expect.stringMatching(/^errand_ci_/),
    entry: { id: 'ci' },
  });
  const token = await errand(['token', '--sub', 'alice', '--namespaces', '*', '--scopes', 'read'], {
    folder,
  });
  expect([token.code, token.stdout]).toEqual([0, expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)]);
  const wrong = await errand('token --scopes write --minutes 0', { folder });
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  for (const option of [
    '--sub is missing',
    '--namespaces is missing',
    '--scopes must be',
    '--minutes must be',
  ])
    expect(wrong.stderr).toContain(option);
});

test('errand openapi prints the document, or writes it', async () => {
  const [printed, written, refused] = await Promise.all([
    errand('openapi'),
    errand('openapi --output api.yaml', { folder }),
    errand('openapi --output nowhere/api.yaml', { folder }),
  ]);
  // That of this checkout is committed.
  expect(printed.stdout).toBe(documentText('openapi.yaml'));
  expect(written).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"nowhere/api.yaml" cannot be written'),
  });
});
