import { expect, test } from 'vitest';
import { freePort } from '../../../embedded/ports.ts';
import { createDatabase } from '../../support/database.ts';
import { UNLIMITED } from '../../support/unlimited.ts';
import { until } from '../../support/until.ts';
import { type Started, start } from './errand.ts';

// The commands that start processes: a pool made of them alone.

const database = await createDatabase('template0');
const [apiPort, runnerPort] = await Promise.all([freePort('127.0.0.1'), freePort('127.0.0.1')]);
const environment = {
  ...UNLIMITED,
  DATABASE_URL: database.url,
  SERVER_PORT: String(apiPort),
  RUNNER_PORT: String(runnerPort),
  NODE_ENV: 'test',
};

async function ready({ ended, stdout, stderr }: Started, port: number): Promise<void> {
  const exit = { code: undefined as unknown };
  void ended.then(({ code }) => {
    exit.code = code;
  });
  await until(`port ${port} is ready`, async () => {
    if (exit.code !== undefined) throw new Error(`It ended with ${exit.code}:\n${stdout()}${stderr()}`);
    return await fetch(`http://127.0.0.1:${port}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
}

test('errand migrate, errand api and errand runner make a pool, and end on SIGTERM', async () => {
  const migrated = await start(['migrate'], { environment, input: '' }).ended;
  expect([migrated.code, migrated.stdout]).toEqual([0, expect.stringContaining('migrations applied')]);
  const [api, runner] = [start(['api'], { environment }), start(['runner'], { environment })];
  await Promise.all([ready(api, apiPort), ready(runner, runnerPort)]);
  const submitted = await start(['submit', 'example.echo', '{"message":"hello"}', '--wait'], {
    environment: { ERRAND_URL: `http://127.0.0.1:${apiPort}` },
    input: '',
  }).ended;
  expect([submitted.code, JSON.parse(submitted.stdout)]).toEqual([0, { messages: ['hello'] }]);
  for (const { child } of [api, runner]) child.kill('SIGTERM');
  expect(await Promise.all([api.ended, runner.ended])).toMatchObject([{ code: 0 }, { code: 0 }]);
});

test('errand start, api, runner and migrate name a variable that is wrong', async () => {
  const wrong = { ...environment, SERVER_PORT: 'high' };
  const ended = await Promise.all(
    ['start', 'api', 'runner', 'migrate'].map(
      (name) => start([name], { environment: wrong, input: '' }).ended,
    ),
  );
  for (const { code, stderr } of ended)
    expect([code, stderr]).toEqual([1, expect.stringContaining('SERVER_PORT=high is not accepted')]);
});
