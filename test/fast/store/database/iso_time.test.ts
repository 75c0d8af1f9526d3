import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isoTime } from '../../../../store/database/iso_time.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();
const FIRST = '0001-01-01T00:00:00.000Z';
const LAST = '9999-12-31T23:59:59.999Z';

test.each([
  ['infinity', LAST],
  ['-infinity', FIRST],
  ['294276-12-31 23:59:59.999999+00', LAST],
  ['10000-01-01T00:00:00+00:00', LAST],
  ['9999-12-31 23:59:59.999999-01', LAST],
  ['9999-12-31 23:59:59.999999+00', LAST],
  ['4713-01-01 00:00:00+00 BC', FIRST],
  ['0050-03-15 00:00:00+00', FIRST],
  ['2026-01-31 12:00:00.123456+00', '2026-01-31T12:00:00.123Z'],
  ['2026-01-31T12:00:00.5-05:30', '2026-01-31T17:30:00.500Z'],
  ['1883-11-18 12:00:00-07:52:58', FIRST],
  ['what a later version writes', FIRST],
  ['', FIRST],
])('the time %s is read as %s', (text, iso) => {
  expect(isoTime(text)).toBe(iso);
});

test('no text ends a list: any is read as a time of the wire', () => {
  fc.assert(fc.property(fc.string(), (text) => /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/.test(isoTime(text))));
});

test('any time that Postgres can hold is read, as Postgres itself would show it where the wire can have it', async () => {
  const { rows } = await pool.query<{ at: string; inside: string; shown: string }>(`
    select at, to_json(at) #>> '{}' as inside,
           case when at < '0100-01-01Z' then '${FIRST}' when at >= '10000-01-01Z' then '${LAST}'
                else to_char(date_trunc('milliseconds', at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end as shown
      from (select '4000-01-01Z BC'::timestamptz + random() * (4000 + n * 100) * interval '1 year' as at
              from generate_series(1, 1000) n) t`);
  expect(rows.map(({ at }) => at)).toEqual(rows.map(({ shown }) => shown));
  expect(rows.map(({ inside }) => isoTime(inside))).toEqual(rows.map(({ shown }) => shown));
});
