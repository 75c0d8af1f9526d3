import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { createDatabase } from '../../../support/database.ts';

const { url, pool } = await createDatabase();
await registerDefinitions(pool, definitions);

test('what applications call means the same whatever the settings of their sessions are', async () => {
  const { rows } = await pool.query(
    `select p.proname, array(select split_part(setting, '=', 1) from unnest(p.proconfig) as setting order by 1) as pinned
       from pg_proc p
      where p.pronamespace = 'errand'::regnamespace
        and p.prosecdef
        and p.prorettype <> 'trigger'::regtype`,
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const { pinned } of rows) {
    expect(pinned).toEqual(
      expect.arrayContaining([
        'DateStyle',
        'IntervalStyle',
        'TimeZone',
        'extra_float_digits',
        'search_path',
        'standard_conforming_strings',
      ]),
    );
  }
});

test('a submission from a session with odd settings is stored as it was meant', async () => {
  const application = new Client({ connectionString: url });
  await application.connect();
  onTestFinished(() => application.end());
  await application.query(`
    set DateStyle = 'SQL, DMY'; set TimeZone = 'Asia/Kathmandu'; set IntervalStyle = 'sql_standard';
    set extra_float_digits = -15; set standard_conforming_strings = off; set search_path = ''; set bytea_output = 'escape'`);
  const { rows: submitted } = await application.query<{ id: string }>(
    `select id from errand.submit('example.echo', '{"message": "hi", "number": 1234567890.25}', dedup_key => 'odd',
       dedup_window => interval '123456.789 seconds', run_at => timestamptz '2027-02-03 04:05:06.789+00',
       callback_url => 'https://example.com/a?b=c')`,
  );
  const { rows } = await pool.query(
    `select payload, run_at, callback_url,
            round(extract(epoch from dedup_until - errand.uuid_time(id)) / 60)::integer as window_minutes
       from errand.tasks
      where id = $1`,
    [submitted[0]?.id],
  );
  expect(rows).toEqual([
    {
      payload: { message: 'hi', number: 1234567890.25 },
      run_at: '2027-02-03T04:05:06.789Z',
      callback_url: 'https://example.com/a?b=c',
      window_minutes: 2_058,
    },
  ]);
});
