import { readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { mintOptions, USAGE } from '../../../../api/auth/mint_options.ts';
import { startOwnApi } from '../../../fast/api/app.ts';
import { authenticator, byKey, byToken, errorOf } from '../../../fast/api/auth/keys.ts';
import { blocksOf, ROOT } from '../../../support/checkout/documents.ts';
import { copySources, succeed, type } from '../../../support/checkout/newcomer.ts';
import { removeScratch, scratchFolder } from '../../../support/checkout/scratch.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();
const folder = scratchFolder(0o755);
const KEY_FILE = join(folder, '.errand', 'token-key.pem');
/** Without npm, which takes half a second each time. */
const MINT = 'node_modules/.bin/node api/auth/mint.ts';
const ALICE = '--sub alice --namespaces billing,shipping --scopes read,submit --minutes 60';
const CI = '--api-key --id ci --namespaces billing --scopes read,submit';

beforeAll(() => {
  copySources(folder);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});
beforeEach(() => rmSync(join(folder, '.env'), { force: true }));
afterAll(() => removeScratch(folder));

/** What the command prints, and how it ends. */
async function run(command: string, environment: Record<string, string> = {}) {
  const typed = type(command, folder, environment);
  onTestFinished(() => typed.kill());
  return { code: await typed.exited, output: typed.output() };
}

/** The variables that a file .env of these lines sets, as Node reads it. */
async function variablesOf(lines: string): Promise<Record<string, string>> {
  writeFileSync(join(folder, '.env'), lines);
  const names = '["AUTH_ENABLED","JWT_PUBLIC_KEY","JWT_ISSUER","JWT_AUDIENCE","API_KEYS"]';
  const script = `console.log(JSON.stringify(process.env, ${names}))`;
  return JSON.parse(await succeed(`node_modules/.bin/node --env-file=.env -e '${script}'`, folder));
}

/** The lines of the output that assign a variable. */
function assignments(output: string): string {
  return [...output.matchAll(/^[A-Z_]+=['"].*$/gm)].join('\n');
}

const [makeBoth = '', useToken = ''] = blocksOf(
  'docs/guides/authentication-and-namespaces.md',
  'Make a token or a key',
  'sh',
  2,
);

test("the guide's commands make what is accepted, word for word", async () => {
  const [token = '', key = '', ...more] = makeBoth.trim().split('\n');
  expect(more).toEqual([]);
  const [tokenOutput, keyOutput] = [await succeed(token, folder), await succeed(key, folder)];
  const variables = await variablesOf(assignments(`${tokenOutput}\n${keyOutput}`));
  const authenticate = await authenticator(variables);
  const [jwt = ''] = /^eyJ[\w.-]+$/m.exec(tokenOutput) ?? [];
  expect(await byToken(authenticate, jwt)).toEqual({
    actor: 'user:alice',
    namespaces: ['billing', 'shipping'],
    scopes: new Set(['read', 'submit']),
    endsAtMs: expect.any(Number),
  });
  const [apiKey = ''] = /^errand_ci_[\w-]+$/m.exec(keyOutput) ?? [];
  expect(await byKey(authenticate, apiKey)).toMatchObject({ actor: 'key:ci', namespaces: ['billing'] });

  const api = await startOwnApi(pool, { authenticate });
  expect(useToken).toContain('localhost:8080');
  writeFileSync(join(folder, 'use.sh'), useToken.replace('localhost:8080', new URL(api.url).host));
  expect(JSON.parse(await succeed('sh use.sh 2>/dev/null', folder))).toMatchObject({ tasks: [] });
  expect((await api.call('GET', '/v1/tasks')).status).toBe(401);
});

test('a token for trying out is accepted with the lines that are printed beside it', async () => {
  const output = await succeed(`${MINT} ${ALICE}`, folder);
  const [token = ''] = /^eyJ[\w.-]+$/m.exec(output) ?? [];
  const authenticate = await authenticator(await variablesOf(assignments(output)));
  expect(await byToken(authenticate, token)).toEqual({
    actor: 'user:alice',
    namespaces: ['billing', 'shipping'],
    scopes: new Set(['read', 'submit']),
    endsAtMs: expect.any(Number),
  });
});

test('stdout has the token alone, for scripts', async () => {
  const command = `npm run token --silent -- ${ALICE}`;
  const stdout = await succeed(`sh -c '${command} 2>/dev/null'`, folder);
  expect(stdout).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const stderr = await succeed(`sh -c '${command} 2>&1 >/dev/null'`, folder);
  expect(stderr).toContain('JWT_PUBLIC_KEY=');
  expect(stderr).not.toContain('eyJ');
});

test('--json has all of it on stdout', async () => {
  const command = `${MINT} ${ALICE} --json`;
  const { token, expires_at, environment } = JSON.parse(await succeed(command, folder));
  expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(50 * 60_000);
  const authenticate = await authenticator(environment);
  expect(await byToken(authenticate, token)).toMatchObject({ actor: 'user:alice' });
});

test('all namespaces are *, and a token holds for an hour unless told', async () => {
  const command = `${MINT} --sub bob --namespaces '*' --scopes operate --json`;
  const { token, expires_at, environment } = JSON.parse(await succeed(command, folder));
  expect(await byToken(await authenticator(environment), token)).toMatchObject({ namespaces: null });
  expect(Math.round((Date.parse(expires_at) - Date.now()) / 600_000)).toBe(6);
});

test('the key is made once, for its owner alone, also by several at the same time', async () => {
  rmSync(KEY_FILE, { force: true });
  const command = `${MINT} ${ALICE} --json`;
  const made = await Promise.all([1, 2, 3].map(() => succeed(command, folder)));
  const minted = [...made, await succeed(command, folder)].map((one) => JSON.parse(one));
  expect(new Set(minted.map(({ environment }) => environment.JWT_PUBLIC_KEY)).size).toBe(1);
  for (const { token, environment } of minted) {
    expect(await byToken(await authenticator(environment), token)).toMatchObject({ actor: 'user:alice' });
  }
  expect((statSync(KEY_FILE).mode & 0o777).toString(8)).toBe('600');
  expect(readdirSync(join(folder, '.errand'))).toEqual(['token-key.pem']);
});

test('a key of another checkout does not sign for this one', async () => {
  const command = `${MINT} ${ALICE} --json`;
  const before = JSON.parse(await succeed(command, folder));
  rmSync(KEY_FILE);
  const after = JSON.parse(await succeed(command, folder));
  const authenticate = await authenticator(after.environment);
  expect((await errorOf(byToken(authenticate, before.token))).code).toBe('UNAUTHORIZED');
});

test('issuer and audience are those that are configured', async () => {
  writeFileSync(join(folder, '.env'), 'JWT_ISSUER=https://me.example.com/\nJWT_AUDIENCE=mine\n');
  const { environment } = JSON.parse(await succeed(`${MINT} ${ALICE} --json`, folder));
  expect(environment).toMatchObject({ JWT_ISSUER: 'https://me.example.com/', JWT_AUDIENCE: 'mine' });
});

test('an API key is accepted with the line that is printed beside it', async () => {
  const output = await succeed(`${MINT} ${CI}`, folder);
  const [key = ''] = /^errand_ci_[\w-]{43}$/m.exec(output) ?? [];
  expect(output.split(key)).toHaveLength(2);
  const authenticate = await authenticator(await variablesOf(assignments(output)));
  expect(await byKey(authenticate, key)).toEqual({
    actor: 'key:ci',
    credential: expect.any(String),
    namespaces: ['billing'],
    scopes: new Set(['read', 'submit']),
  });
});

test('API keys are made in production too, each another one, and can end', async () => {
  const command = `${MINT} ${CI} --days 90 --json`;
  const made = [await run(command, { NODE_ENV: 'production' }), await run(command)];
  const [one, two] = made.map(({ output }) => JSON.parse(output));
  expect(one.key).not.toBe(two.key);
  expect(Math.round((Date.parse(one.entry.expires_at) - Date.now()) / 86_400_000)).toBe(90);
  const API_KEYS = JSON.stringify([{ ...one.entry, id: 'other' }, two.entry]);
  const authenticate = await authenticator({ NODE_ENV: 'production', API_KEYS });
  expect(await byKey(authenticate, two.key)).toMatchObject({ actor: 'key:ci' });
  expect((await errorOf(byKey(authenticate, one.key))).code).toBe('UNAUTHORIZED');
});

test('in production tokens are not made, nor a key for them', async () => {
  rmSync(KEY_FILE, { force: true });
  for (const environment of [{ NODE_ENV: 'production' }, {}]) {
    if (!('NODE_ENV' in environment)) writeFileSync(join(folder, '.env'), 'NODE_ENV=production\n');
    const { code, output } = await run(`${MINT} ${ALICE}`, environment);
    expect([code, output]).toEqual([1, expect.stringContaining('NODE_ENV is production')]);
    expect(output).not.toContain('eyJ');
  }
  expect(readdirSync(join(folder, '.errand'))).toEqual([]);
});

test('a key file that holds no key is told, and never overwritten', async () => {
  await succeed(`${MINT} ${ALICE}`, folder);
  writeFileSync(KEY_FILE, 'nothing');
  const { code, output } = await run(`${MINT} ${ALICE}`);
  expect([code, output]).toEqual([
    1,
    expect.stringContaining('.errand/token-key.pem does not contain a private key: delete the file'),
  ]);
  rmSync(KEY_FILE);
});

test('--help prints the usage, and a wrong call prints what is wrong before it', async () => {
  const help = await run(`${MINT} --help`);
  expect(help).toEqual({ code: 0, output: USAGE });
  for (const flag of ['sub', 'minutes', 'id', 'days', 'json', 'help'])
    expect(USAGE).toContain(`  --${flag} `);
  expect(USAGE).toContain('npm run token -- --api-key --id ci --namespaces billing');
  const { code, output } = await run(`${MINT} ${ALICE} --admin`);
  expect([code, output]).toEqual([1, expect.stringContaining("Unknown option '--admin'")]);
  expect(output).toContain(USAGE.trim());
  expect(output).not.toMatch(/^ {4}at /m);
});

test.each([
  ['', ['--namespaces is missing', '--scopes is missing', '--sub is missing']],
  [`${ALICE} more`, ["Unexpected argument 'more'"]],
  [`${ALICE} --id ci`, ['--id cannot be combined with the other options']],
  [`${CI} --sub alice --minutes 5`, ['--sub cannot be combined with', '--minutes cannot be combined with']],
  [
    '--sub a --namespaces Billing --scopes read',
    ['--namespaces must be namespaces separated by commas, or *'],
  ],
  ['--sub a --namespaces , --scopes read', ['--namespaces must be namespaces']],
  ['--sub a --namespaces a --scopes read,admin', ['--scopes must be some of read, submit, operate']],
  ['--sub "" --namespaces a --scopes read', ['--sub must be 1 to 200 printable characters']],
  [`${ALICE}0000000`, ['--minutes must be an integer from 1 to 10080']],
  [`${ALICE} --minutes=-1`, ['--minutes must be an integer']],
  [`${CI} --days soon`, ['--days must be an integer from 1 to 3650']],
  ['--api-key --id CI --namespaces a --scopes read', ['--id must match']],
])('`npm run token -- %s` says what is accepted', (flags, problems) => {
  const given = flags.split(' ').flatMap((flag) => (flag === '' ? [] : [flag === '""' ? '' : flag]));
  for (const problem of [...problems, USAGE.trim()]) expect(() => mintOptions(given)).toThrow(problem);
});
