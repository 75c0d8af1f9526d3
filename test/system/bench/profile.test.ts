import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type CpuProfile, readProfile, sharesByPlace } from '../../../bench/profile/node.ts';
import { inShort } from '../../../bench/profile/statements.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';

const HERE = new URL('../../..', import.meta.url).href;

function frame(id: number, functionName: string, url: string, children: number[] = []) {
  return { id, callFrame: { functionName, url }, children };
}

const PROFILE: CpuProfile = {
  nodes: [
    frame(1, '(root)', '', [2, 5, 6, 7, 8]),
    frame(2, 'record', `${HERE}store/attempts/outcomes.ts`, [3]),
    frame(3, 'query', `${HERE}node_modules/pg/lib/client.js`, [4]),
    frame(4, 'write', 'node:net'),
    frame(5, '(garbage collector)', ''),
    frame(6, '(idle)', ''),
    frame(7, 'processTicksAndRejections', 'node:internal/process/task_queues'),
    frame(8, 'x', `${HERE}node_modules/@scope/one/index.js`),
  ],
  startTime: 1_000,
  samples: [2, 2, 4, 5, 6, 7, 8, 2],
  timeDeltas: [10, 30, 20, 10, 500, 10, 30, 999],
};

test('time is that of the folder or the package that had it done, within a span, and idling is none', () => {
  const shares = sharesByPlace(PROFILE, { from: 1_011, to: 1_700 });
  expect(Object.fromEntries(shares)).toEqual({
    ...{ 'store/': 0.3, pg: 0.2, 'garbage collection': 0.1, Node: 0.1, '@scope/one': 0.3 },
  });
});

test('the profile is that of the main thread of one process', async () => {
  const folder = scratchFolder(0o755);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const write = (name: string, profile: unknown) => writeFile(join(folder, name), JSON.stringify(profile));
  await write('CPU.20260101.000000.7.1.002.cpuprofile', {});
  await expect(readProfile(folder)).rejects.toThrow('but found 0');
  await write('CPU.20260101.000000.7.0.001.cpuprofile', PROFILE);
  expect((await readProfile(folder)).samples).toEqual(PROFILE.samples);
  await write('CPU.20260101.000000.8.0.001.cpuprofile', PROFILE);
  await expect(readProfile(folder)).rejects.toThrow('but found 2');
});

test.each([
  [
    'with a as (update errand.tasks set x = 1), b as (insert into "errand"."attempts" as r (y) select 1) select',
    'update errand.tasks, insert into errand.attempts',
  ],
  [
    'select /* c */ t.id from (select 1) a join errand.tasks t on true join errand.tasks u on true',
    'select from errand.tasks',
  ],
  ['with a as (select 1 from app.jobs for update skip locked) update app.jobs set x = 1', 'update app.jobs'],
  ['select   pg_notify($1,\n $2)', 'select pg_notify($1, $2)'],
])('%s is %s in short', (query, short) => {
  expect(inShort(query)).toBe(short);
});
