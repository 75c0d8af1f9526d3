import { expect, test } from 'vitest';
import { startApi, type TestApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { giteaPush } from './webhook_bodies.ts';
import { giteaHeaders, SECRETS } from './webhook_senders.ts';

const { pool } = await createDatabase();
let pushes = 0;

/** A push that is new, signed with this secret, as Gitea sends it. */
function push(api: TestApi, secret: string): ReturnType<TestApi['call']> {
  const sent = JSON.stringify({ ...giteaPush, number: ++pushes });
  return api.call('POST', '/v1/webhooks/gitea', sent, giteaHeaders(sent, { secret }));
}

test('while secrets change either counts, and an old one no longer when it is gone', async () => {
  const changing = await startApi(pool, {
    config: testConfig({ GITEA_WEBHOOK_SECRET: `the-new-secret-of-all , ${SECRETS.gitea}` }),
  });
  const changed = await startApi(pool, { config: testConfig({ GITEA_WEBHOOK_SECRET: SECRETS.gitea }) });
  const status = async (api: TestApi, secret: string) => (await push(api, secret)).status;
  expect(await status(changing, 'the-new-secret-of-all')).toBe(201);
  expect(await status(changing, SECRETS.gitea)).toBe(201);
  expect(await status(changing, `the-new-secret-of-all , ${SECRETS.gitea}`)).toBe(401);
  expect(await status(changed, SECRETS.gitea)).toBe(201);
  expect(await status(changed, 'the-new-secret-of-all')).toBe(401);
});
