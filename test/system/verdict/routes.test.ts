import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Detail } from '../../../core/errors.ts';
import { createRegistry } from '../../../core/registry.ts';
import type { Runner } from '../../../runner/runner.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { CORPUS } from '../../fast/verdict/corpus/index.ts';
import { expectDetails } from '../../fast/verdict/details.ts';
import { definitionOf } from '../../fast/verdict/row.ts';
import { type Answer, startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { registeredHandler, startFileRunner } from '../../support/runner.ts';
import { until } from '../../support/until.ts';

// Every payload of the corpus is sent by name, in a batch and by SQL, the first of each kind by body too, which only says the
// name elsewhere; and what was accepted is executed.

const rows = CORPUS.map((row, index) => ({
  ...row,
  definition: definitionOf(row, index),
  payloads: [...row.fits, ...row.misfits].map(({ payload }) => payload),
}));
type Row = (typeof rows)[number];

/** What became of a payload: its details, or the id of its task; or another answer, which is no verdict. Null: it was not sent. */
type Verdict = { details: Detail[] } | { id: string } | { answer: string } | null;
type Ended = { state: string; code: string; retryable: boolean; details: Detail[] };
type Route = { proxy: string; prefix: (index: number) => string; verdicts: Map<Row, Verdict[]> };

const routes: Route[] = [
  { proxy: 'by name', prefix: () => '/body/payload', verdicts: new Map() },
  { proxy: 'by body', prefix: () => '/body/payload', verdicts: new Map() },
  { proxy: 'in a batch', prefix: (index) => `/body/items/${index}/payload`, verdicts: new Map() },
];
/** Null for what errand.submit itself refuses: a payload is an object. */
const bySql = new Map<Row, (string | null)[]>();
const seen = new Map<string, unknown>();
const ended = new Map<string, Ended>();

const { pool } = await createDatabase();
const definitions = rows.map(({ definition }) => definition);
const api = await startApi(pool, { registry: createRegistry(definitions), validateResponses: false });

let runner: Runner | undefined;
afterAll(() => runner?.stop());

beforeAll(async () => {
  await registerDefinitions(pool, definitions);
  await submitBySql();
  for (const [{ verdicts }, send] of [
    [routes[0], byName],
    [routes[1], byBody],
    [routes[2], inBatch],
  ] as [Route, (row: Row) => Promise<Verdict[]>][]) {
    await eachOf(rows, async (row) => void verdicts.set(row, await send(row)));
  }
  runner = await startFileRunner(pool, {
    registeredHandlers: new Map(
      definitions.map((definition) =>
        registeredHandler(definition, (payload, { id }) => {
          seen.set(id, payload);
        }),
      ),
    ),
  });
  await until('every task has ended', async () => (await countOpen()) === 0);
  await readEnded();
});

async function byName({ definition, payloads }: Row): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const payload of payloads) {
    verdicts.push(verdictOf(await api.call('POST', `/v1/tasks/${definition.name}`, { payload })));
  }
  return verdicts;
}

async function byBody({ definition: { name }, payloads, fits }: Row): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const [index, payload] of payloads.entries()) {
    const isFirst = index === 0 || index === fits.length;
    verdicts.push(isFirst ? verdictOf(await api.call('POST', '/v1/tasks', { name, payload })) : null);
  }
  return verdicts;
}

function verdictOf({ status, body, text }: Answer): Verdict {
  if (status === 201) return { id: body.task.id };
  return body?.code === 'VALIDATION_FAILED' ? { details: body.details } : { answer: text };
}

async function inBatch({ definition, payloads }: Row): Promise<Verdict[]> {
  const items = payloads.map((payload) => ({ payload }));
  const { status, body, text } = await api.call('POST', `/v1/tasks/${definition.name}/batch`, { items });
  if (status !== 200) return payloads.map(() => ({ answer: text }));
  return body.items.map(({ id, errors }: { id?: string; errors?: Detail[] }) =>
    id === undefined ? { details: errors ?? [] } : { id },
  );
}

async function submitBySql(): Promise<void> {
  const sent = rows.flatMap(({ definition: { name }, payloads }) =>
    payloads.map((payload) => ({ name, payload })),
  );
  const { rows: submitted } = await pool.query<{ id: string | null }>(
    `select case when jsonb_typeof(payload) = 'object' then (select id from errand.submit(name, payload)) end as id
       from rows from (jsonb_to_recordset($1) as (name text, payload jsonb)) with ordinality as i (name, payload, at)
      order by i.at`,
    [JSON.stringify(sent)],
  );
  const ids = submitted.map(({ id }) => id);
  for (const row of rows) bySql.set(row, ids.splice(0, row.payloads.length));
}

/** As many at a time as make the most of the machine. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, worker));
}

async function countOpen(): Promise<number> {
  const { rows: counted } = await pool.query<{ open: number }>(
    `select count(*) as open from errand.tasks where state not in ('succeeded', 'failed', 'cancelled')`,
  );
  return counted[0]?.open ?? -1;
}

async function readEnded(): Promise<void> {
  const { rows: tasks } = await pool.query<Ended & { id: string }>(
    `select id, state, error ->> 'error_code' as code, error -> 'retryable' as retryable,
            error -> 'metadata' -> 'details' as details
       from errand.tasks`,
  );
  for (const task of tasks) ended.set(task.id, task);
}

describe.each(rows)('$name', (row) => {
  const { fits, misfits } = row;

  test.each(routes)('$route: what fits is executed, what does not is told', ({ prefix, verdicts }) => {
    const all = verdicts.get(row) ?? [];
    expect(all).toHaveLength(fits.length + misfits.length);
    for (const [index, { payload, value }] of fits.entries()) {
      if (all[index] === null) continue;
      expect({ payload, verdict: all[index] }).toEqual({ payload, verdict: { id: expect.any(String) } });
      const { id } = all[index] as { id: string };
      expect(ended.get(id)).toMatchObject({ state: 'succeeded' });
      expect(seen.get(id)).toEqual(value);
    }
    for (const [index, misfit] of misfits.entries()) {
      const verdict = all[fits.length + index];
      if (verdict === null) continue;
      expect({ payload: misfit.payload, verdict }).toMatchObject({ verdict: { details: expect.any(Array) } });
      const { details } = verdict as { details: Detail[] };
      expectDetails(details, misfit, prefix(fits.length + index));
    }
  });

  test('by SQL: the same, at the runner, and for good', () => {
    const ids = bySql.get(row) ?? [];
    expect(ids).toHaveLength(fits.length + misfits.length);
    for (const [index, { value }] of fits.entries()) {
      const id = String(ids[index]);
      expect(ended.get(id)).toMatchObject({ state: 'succeeded' });
      expect(seen.get(id)).toEqual(value);
    }
    for (const [index, misfit] of misfits.entries()) {
      const id = ids[fits.length + index];
      if (typeof id !== 'string') continue;
      expect(ended.get(id)).toMatchObject({ state: 'failed', code: 'VALIDATION_FAILED', retryable: false });
      expect(seen.has(id)).toBe(false);
      expectDetails(ended.get(id)?.details ?? [], misfit, '/payload');
    }
  });

  test('the details say the same, whichever way', () => {
    const told = misfits.map((_misfit, index) => {
      const at = fits.length + index;
      const id = bySql.get(row)?.[at];
      return [
        ...(typeof id === 'string' ? [relative(ended.get(id)?.details ?? [], '/payload')] : []),
        ...routes.flatMap(({ verdicts, prefix }) => {
          const verdict = verdicts.get(row)?.[at];
          if (verdict === null) return [];
          return [relative(verdict !== undefined && 'details' in verdict ? verdict.details : [], prefix(at))];
        }),
      ];
    });
    for (const [first, ...others] of told) for (const other of others) expect(other).toEqual(first);
  });
});

/** In one order: jsonb has the keys of an object in another one than they were sent. */
function relative(details: Detail[], prefix: string): string[] {
  return details.map(({ path, message }) => `${path.slice(prefix.length)} ${message}`).toSorted();
}
