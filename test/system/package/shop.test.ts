import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { portsFor } from '../../support/checkout/checkout.ts';
import { blocksOf, ROOT } from '../../support/checkout/documents.ts';
import { type Typed, type } from '../../support/checkout/newcomer.ts';
import { packed } from '../../support/checkout/packed.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';

// examples/shop, a project with npm workspaces, on the packed package: of a version before, and of this one.

const [installAndTest = ''] = blocksOf('examples/shop/README.md', '', 'sh', 1);
const { url } = await createDatabase('template0');
const scratch = scratchFolder(0o755);
const bin = join(scratch, 'bin');
const PATH = process.env.PATH?.split(':').filter((one) => !one.includes('node_modules'));

const mails: string[] = [];
const mailService = createServer(async (request, response) => {
  mails.push((JSON.parse(Buffer.concat(await request.toArray()).toString()) as { subject: string }).subject);
  response.writeHead(201, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ id: `mail-${mails.length}` }));
});

beforeAll(async () => {
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  await new Promise<void>((resolve) => mailService.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  mailService.close();
  removeScratch(scratch);
});

/** The package with another version: what was published before. */
async function packedAs(version: string): Promise<string> {
  const folder = join(scratch, `packed-${version}`);
  mkdirSync(folder);
  execFileSync('tar', ['-xzf', await packed(), '-C', folder]);
  for (const manifest of ['package/package.json', 'package/dist/package.json']) {
    const file = join(folder, manifest);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"version": "[^"]+"/, `"version": "${version}"`));
  }
  const file = join(scratch, `errand-${version}.tgz`);
  execFileSync('tar', ['-czf', file, '-C', folder, 'package']);
  return file;
}

/** The shop with this package instead of a published one. */
function shopWith(pack: string, name: string): string {
  const folder = join(scratch, name);
  cpSync(join(ROOT, 'examples', 'shop'), folder, { recursive: true });
  copyFileSync(pack, join(folder, 'errand.tgz'));
  for (const member of ['tasks', 'storefront']) {
    const file = join(folder, 'packages', member, 'package.json');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('"errand": "^');
    writeFileSync(file, text.replace(/"errand": "[^"]+"/, '"errand": "file:../../errand.tgz"'));
  }
  return folder;
}

async function environment(): Promise<Record<string, string>> {
  const cafile = (await succeed('npm config get cafile', '/')).trim();
  return {
    ...(await portsFor()),
    DATABASE_URL: url,
    MAIL_URL: `http://127.0.0.1:${(mailService.address() as AddressInfo).port}`,
    PATH: [bin, ...(PATH ?? [])].join(':'),
    npm_config_audit: 'false',
    // npm looks for the settings of a machine beside its Node, and this Node is elsewhere.
    ...(cafile === 'null' ? {} : { npm_config_cafile: cafile }),
  };
}

async function succeed(command: string, folder: string, env: Record<string, string> = {}): Promise<string> {
  const typed = type(command, folder, env);
  const how = await typed.exited;
  if (how !== 0) throw new Error(`${command} ended with ${how}:\n${typed.output()}`);
  return typed.output();
}

/** Starts a process of the shop, and waits until it says that it is ready. */
async function start(what: 'api' | 'runner', folder: string, env: Record<string, string>): Promise<Typed> {
  const typed = type(`npm run ${what}`, join(folder, 'packages', 'tasks'), env);
  onTestFinished(async () => {
    typed.kill();
    await typed.exited;
  });
  await until(`${what} is ready`, () => typed.hasEnded() || typed.output().includes(`${what} is ready`));
  expect(typed.output()).toContain(`${what} is ready`);
  return typed;
}

/** What doctor warns of. */
async function codes(folder: string, env: Record<string, string>): Promise<string[]> {
  const typed = type('npx errand doctor --json', join(folder, 'packages', 'tasks'), env);
  await typed.exited;
  const found = JSON.parse(typed.output()) as { findings: { code: string; severity: string }[] };
  return found.findings.filter(({ severity }) => severity !== 'ok').map(({ code }) => code);
}

test('the shop is installed, checked, tested, started, and upgraded beside its version before', async () => {
  const env = await environment();
  const old = shopWith(await packedAs('0.1.0'), 'old');
  const [install = '', tests = ''] = installAndTest.trim().split('\n');
  await succeed(install, old, env);
  await succeed('npm run types', old, env);
  expect(await succeed('npm run check', old, env)).toMatch(/the project: 4 tasks, 1 schedule,/);
  expect(await succeed(tests, old, env)).toMatch(/pass 6\n/);

  const tasks = (folder: string): string => join(folder, 'packages', 'tasks');
  await succeed('npm run migrate', tasks(old), env);
  const [oldApi, oldRunner] = [await start('api', old, env), await start('runner', old, env)];
  const order = { ...env, ERRAND_URL: `http://localhost:${env.SERVER_PORT}` };
  expect(await succeed('npm run order -- cup 4', old, order)).toMatch(/costs 35\.60 euros/);
  // Not those of the nightly report.
  expect(mails.filter((subject) => subject.startsWith('Your order'))).toHaveLength(1);

  const next = shopWith(await packed(), 'next');
  await succeed('npm install --package-lock-only', next, env);
  await succeed('npm ci --omit=dev', next, env);
  // Since the old ones have theirs, the search finds others.
  const nextEnv: Record<string, string> = { ...env, ...(await portsFor()) };
  await succeed('npm run migrate', tasks(next), nextEnv);
  await Promise.all([start('api', next, nextEnv), start('runner', next, nextEnv)]);
  expect(await codes(next, nextEnv)).toContain('old_process');
  // What callers send to the version before and to this one is executed by either.
  const toNext = { ...nextEnv, ERRAND_URL: `http://localhost:${nextEnv.SERVER_PORT}` };
  for (const where of [order, toNext])
    expect(await succeed('npm run order -- spoon 2', next, where)).toMatch(/costs 6\.20 euros/);

  // As an orchestrator does: npm alone gets the signal, and passes it on.
  for (const { pid } of [oldApi, oldRunner]) process.kill(pid, 'SIGTERM');
  await until('doctor says that the old ones are gone', async () => {
    return !(await codes(next, nextEnv)).includes('old_process');
  });
  expect(await succeed('npm run order -- tea-pot 1', next, toNext)).toMatch(/costs 24\.50 euros/);
});
