import { describe, expect, test } from 'vitest';
import { stopClock } from '../../../support/schedule_clock.ts';
import { expectError } from '../ledger.ts';
import { NIGHTLY, startScheduleApi } from './schedules.ts';

const { pool, put, call } = await startScheduleApi();
await stopClock(pool, '2026-03-10T12:00:00Z');

const at = (time: string): string => `2026-03-10T${time}.000Z`;

/** Writes entries of a history: a time, its reason if it was skipped, and the end of a range. */
async function record(
  id: string,
  ...entries: { at: string; reason?: string; until?: string; times?: number }[]
): Promise<void> {
  await pool.query(
    `insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, reason, until, times)
     select $1, at, case when reason is null then 'submitted' else 'skipped' end, reason, until, times
       from jsonb_to_recordset($2) as e (at timestamptz, reason text, until timestamptz, times integer)`,
    [id, JSON.stringify(entries)],
  );
}

async function runs(id: string, query = ''): Promise<[string, string][]> {
  const { body } = await call('GET', `/v1/schedules/${id}/runs${query}`);
  type Run = { scheduled_for: string; outcome: string; reason: string | null };
  return body.runs.map(({ scheduled_for, outcome, reason }: Run) => [scheduled_for, reason ?? outcome]);
}

describe('GET /v1/schedules/{schedule_id}/runs', () => {
  test('gives pages, newest first, with every entry once: also two of one time, and many of one millisecond', async () => {
    await put('billing.pages', NIGHTLY);
    const submitted = ['10:01:00', '10:02:00', '10:03:00'].map((time) => ({ at: at(time) }));
    const micros = Array.from({ length: 5 }, (_, index) => ({
      at: `2026-03-10T11:00:00.00000${index + 1}Z`,
    }));
    await record('billing.pages', ...submitted, ...micros, { at: at('10:02:00'), reason: 'overlap' });
    const found: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = `?page_size=2${cursor && `&cursor=${cursor}`}`;
      const { body } = await call('GET', `/v1/schedules/billing.pages/runs${query}`);
      found.push(
        ...body.runs.map(
          (run: { scheduled_for: string; outcome: string }) => `${run.scheduled_for} ${run.outcome}`,
        ),
      );
      cursor = body.next_cursor;
    }
    expect(found).toEqual([
      ...Array.from({ length: 5 }, () => '2026-03-10T11:00:00.000Z submitted'),
      ...[`${at('10:03:00')} submitted`, `${at('10:02:00')} submitted`, `${at('10:02:00')} skipped`],
      `${at('10:01:00')} submitted`,
    ]);
  });

  test('filters by outcome, reason and time; a range counts if a part of it is in', async () => {
    await put('billing.filters', NIGHTLY);
    await record(
      'billing.filters',
      { at: at('09:00:00') },
      { at: at('09:10:00'), reason: 'missed', until: at('09:30:00'), times: 21 },
      // A backfill within the range.
      { at: at('09:20:00') },
      { at: at('09:40:00'), reason: 'overlap' },
      { at: at('09:50:00') },
    );
    const all = await runs('billing.filters');
    expect(all.map(([, what]) => what)).toEqual(['submitted', 'overlap', 'submitted', 'missed', 'submitted']);
    expect(await runs('billing.filters', '?outcome=skipped')).toHaveLength(2);
    expect(await runs('billing.filters', '?outcome=submitted')).toHaveLength(3);
    expect(await runs('billing.filters', '?reason=missed')).toEqual([[at('09:10:00'), 'missed']]);
    expect(await runs('billing.filters', '?reason=missed&outcome=submitted')).toEqual([]);
    const from = (time: string) => runs('billing.filters', `?from=${at(time)}`).then((some) => some.length);
    expect([
      await from('09:10:00'),
      await from('09:25:00'),
      await from('09:30:00'),
      await from('09:31:00'),
    ]).toEqual(
      // From 09:25 on the range is there, and with it what is between.
      [4, 4, 4, 2],
    );
    expect(await runs('billing.filters', `?from=${at('09:00:00')}&to=${at('09:10:00')}`)).toEqual([
      [at('09:00:00'), 'submitted'],
    ]);
  });

  test('says each entry in words', async () => {
    await put('billing.words', NIGHTLY);
    await record(
      'billing.words',
      { at: at('09:00:00') },
      { at: at('09:10:00'), reason: 'missed', until: at('09:30:00'), times: 21 },
      { at: at('09:40:00'), reason: 'paused', until: at('09:40:00'), times: 1 },
      { at: at('09:50:00'), reason: 'replaced' },
    );
    const { body } = await call('GET', '/v1/schedules/billing.words/runs');
    expect(body.runs.map(({ message }: { message: string }) => message)).toEqual([
      '2026-03-10T10:50:00+01:00 was skipped: it waited for an earlier run to end, and a newer time took its place',
      '2026-03-10T10:40:00+01:00 was skipped: the schedule was paused',
      '21 times from 2026-03-10T10:10:00+01:00 to 2026-03-10T10:30:00+01:00 were skipped: no runner was up in time, and the catch-up leaves it out',
      '2026-03-10T10:00:00+01:00 was submitted: its task was removed',
    ]);
  });

  test('refuses a cursor and times that it cannot read', async () => {
    await put('billing.bad', NIGHTLY);
    const cursors = ['x', Buffer.from('2026-13-10T12:00:00.000000Z submitted').toString('base64url')];
    for (const query of [
      ...cursors.map((cursor) => `cursor=${cursor}`),
      'from=yesterday',
      'to=1900-01-01T00:00:00Z',
    ]) {
      expectError(await call('GET', `/v1/schedules/billing.bad/runs?${query}`), {
        status: 400,
        code: 'VALIDATION_FAILED',
        details: 'some',
      });
    }
  });
});
