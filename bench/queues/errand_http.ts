import { Pool } from 'undici';
import { errandOver, NO_OP, startApi } from './errand.ts';
import { byTurns, CALLERS } from './one_by_one.ts';
import type { QueueKind } from './queue.ts';

/** Errand to which tasks come one by one over HTTP, by a real process of the API, on connections that are kept. */
export const errandOneByOne: QueueKind = {
  name: 'Errand',
  async open(server, processes) {
    const database = await server.freshDatabase();
    const queue = await errandOver(database, processes);
    const { process: api, base } = await startApi(database.url);
    const client = new Pool(base, { connections: CALLERS });
    return {
      ...queue,
      fill: (count) => byTurns(count, () => submit(client)),
      async close() {
        await client.close();
        await api.stop();
        await queue.close();
      },
    };
  },
};

async function submit(client: Pool): Promise<void> {
  const path = `/v1/tasks/${NO_OP}`;
  const headers = { 'content-type': 'application/json' };
  const { statusCode, body } = await client.request({
    path,
    method: 'POST',
    headers,
    body: '{"payload":{}}',
  });
  const answer = await body.text();
  if (statusCode !== 201) throw new Error(`POST ${path} answered ${statusCode}: ${answer}`);
}
