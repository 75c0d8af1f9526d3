import { expect, test, vi } from 'vitest';
import { benchOptions, PART_NAMES, type PartName } from '../../../bench/options.ts';
import { type Bench, PARTS, type Parts } from '../../../bench/parts.ts';
import { startProcess } from '../../../bench/process.ts';
import { goalSection } from '../../../bench/report.ts';
import { runParts } from '../../../bench/run.ts';
import { type BenchServer, FOR_LARGE_FILLS } from '../../../bench/server.ts';

const options = benchOptions([]);
if (options === 'help') throw new Error('These are no options.');

const section = (title: string) => goalSection({ title, about: 'How.', goals: [], data: {} });

/** Parts of which these are measured otherwise. */
function partsWith(measures: Partial<Record<PartName, (bench: Bench) => Promise<void>>>): Parts {
  const parts = PART_NAMES.map((name): [PartName, Parts[PartName]] => [
    name,
    {
      settings: PARTS[name].settings,
      async measure(bench) {
        await measures[name]?.(bench);
        return section(name);
      },
    },
  ]);
  return Object.fromEntries(parts) as Parts;
}

test('every part can be measured, and those that need many finished tasks are on a server for them', () => {
  expect(Object.keys(PARTS)).toEqual([...PART_NAMES]);
  const onOther = PART_NAMES.filter((name) => PARTS[name].settings === FOR_LARGE_FILLS);
  expect([onOther, PART_NAMES.slice(-2)]).toEqual([
    ['reads', 'ledger'],
    ['reads', 'ledger'],
  ]);
});

test('a part that fails leaves nothing running, and the others are measured', async () => {
  let left = 0;
  const servers: BenchServer[] = [];
  const seen = new Map<PartName, BenchServer>();
  const parts = partsWith({
    async execute({ server }) {
      seen.set('execute', server);
      const { process } = await startProcess('bench/workflows/chain_runner.ts', {
        DATABASE_URL: (await server.freshDatabase()).url,
      });
      left = process.pid;
      throw new Error('no queue');
    },
    async memory({ server }) {
      seen.set('memory', server);
      expect(() => process.kill(left, 0)).toThrow('ESRCH');
    },
  });
  const only = ['memory', 'execute', 'http'] as const;
  const onFailure = vi.fn();
  const onStart = (server: BenchServer) => servers.push(server);
  const control = { log: () => {}, onStart, onFailure, isStopping: () => false };
  const run = await runParts({ ...options, only: [...only] }, control, parts);
  expect(run.sections.map(({ title }) => title)).toEqual(['http', 'memory']);
  expect(onFailure.mock.calls).toEqual([['execute failed: no queue']]);
  expect(run.version).toMatch(/^18\./);
  expect([servers.length, new Set(seen.values()).size, seen.get('memory')]).toEqual([1, 1, servers[0]]);
});

test('a run that is to stop measures nothing more, and gives what there is', async () => {
  let isStopping = false;
  const parts = partsWith({
    async reads() {
      isStopping = true;
    },
  });
  const onFailure = vi.fn();
  const control = { log: () => {}, onStart: () => {}, onFailure, isStopping: () => isStopping };
  const run = await runParts({ ...options, only: ['reads', 'ledger'] }, control, parts);
  expect(run.sections.map(({ title }) => title)).toEqual(['reads']);
  expect(onFailure).not.toHaveBeenCalled();
});
