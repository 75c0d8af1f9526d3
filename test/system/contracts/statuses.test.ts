import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Located, operationsOf } from '../../fast/contracts/requests.ts';
import { setStage } from './statuses_apis.ts';
import { judgeBy } from './statuses_judge.ts';
import { wayTo } from './statuses_ways.ts';

// Specification A16: every operation of the document answers, for real, with every status that it documents, and each
// answer is what the document says of it.

const stage = await setStage();
const judge = judgeBy(stage.document);
const cases = operationsOf(stage.document).flatMap((located) =>
  statusesOf(located).map((status) => ({
    name: `${located.method.toUpperCase()} ${located.path} answers ${status}`,
    located,
    status,
  })),
);

/** What an operation answers with. One of a task documents its errors together: they are those of `submitTask`. */
function statusesOf({ path, operation: { responses } }: Located): number[] {
  const documented = Object.keys(responses);
  const each = documented.filter((status) => status !== 'default').map(Number);
  if (each.length === documented.length) return each;
  const any = Object.keys(stage.document.paths['/v1/tasks']?.post?.responses ?? {}).map(Number);
  // A batch has answers of its own to each item, one that asks for another version included.
  const others = path.endsWith('/batch') ? [200, 201, 404] : [200, 201];
  return [...each, ...any.filter((status) => !others.includes(status))];
}

/** Nothing gets done as long as the tables are locked, so the time of every request is up. */
const [late, other] = [true, false].map((isLate) =>
  cases.filter(({ status }) => (status === 408) === isLate),
) as [typeof cases, typeof cases];

/** A title in full, which `$name` would cut off. */
function named(some: typeof cases): [string, (typeof cases)[number]][] {
  return some.map((one) => [one.name, one]);
}

async function provoke(_name: string, { located, status }: (typeof cases)[number]): Promise<void> {
  const received = await wayTo(located, status)(stage, located);
  expect(received).not.toEqual([]);
  for (const one of received) judge(located, status, one);
}

test.each(named(other))('%s', provoke);

describe('while the tables are locked', () => {
  let unlock = async (): Promise<void> => {};
  beforeAll(async () => {
    unlock = await stage.lockTables();
  });
  afterAll(() => unlock());

  test.each(named(late))('%s', provoke);
});
