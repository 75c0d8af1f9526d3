import { expect, inject, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';

// The functions that have one text for Postgres 18 and newer and another for older servers: they do the same.

const { pool } = await createDatabase();

test('the ids of a session ascend, are UUIDs of version 7, and hold the time', async () => {
  const { rows } = await pool.query(`
    with ids as materialized (
      select errand.uuidv7() as id, n from generate_series(1, 20000) n
    )
    select bool_and(id > before is not false) as ascend,
           bool_and(id::text ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$') as are_of_version_7,
           count(distinct substr(id::text, 20)) = count(*) as are_random,
           bool_and(errand.uuid_time(id) between date_trunc('milliseconds', now()) and clock_timestamp()) as hold_the_time
      from (select id, lag(id) over (order by n) as before from ids) ids`);
  expect(rows).toEqual([{ ascend: true, are_of_version_7: true, are_random: true, hold_the_time: true }]);
});

test.runIf(inject('postgresVersion') < 18)(
  'they ascend when the clock is set back by some seconds',
  async () => {
    const client = await pool.connect();
    await client.query(
      `select set_config('errand_ids.last_at', ((date_part('epoch', clock_timestamp()) + 5) * 4096000)::bigint::text, false)`,
    );
    const { rows } = await client.query(`
    select errand.uuid_time(errand.uuidv7()) > clock_timestamp() + interval '4 seconds' as goes_on`);
    expect(rows).toEqual([{ goes_on: true }]);
    client.release(true);
  },
);

test('the time of an id is to the millisecond', async () => {
  const { rows } = await pool.query(`
    select errand.uuid_time(id) as at
      from (values ('019ad3c2-8f3b-7abc-8def-0123456789ab'::uuid), ('00000000-0000-7000-8000-000000000000'),
                   ('e677d21f-dbff-7fff-bfff-ffffffffffff'), (null)) ids (id)`);
  expect(rows.map(({ at }) => at)).toEqual([
    '2025-11-30T07:55:34.587Z',
    '1970-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
    null,
  ]);
});

test('a text that is no UUID is none', async () => {
  const texts = [
    '019ad3c2-8f3b-7abc-8def-0123456789ab',
    '',
    'x',
    '019ad3c2-8f3b-7abc-8def-0123456789a',
    '019ad3c2-8f3b-7abc-8def-0123456789ag',
    null,
  ];
  const { rows } = await pool.query(
    'select errand.uuid_in_text(texts.given) as id from unnest($1::text[]) with ordinality as texts (given, n) order by n',
    [texts],
  );
  expect(rows.map(({ id }) => id)).toEqual([texts[0], null, null, null, null, null]);
});
