import { inLoops, openClient } from '../http/client.ts';
import { errandOver, NO_OP, startApi } from './errand.ts';
import { CALLERS } from './one_by_one.ts';
import type { QueueKind } from './queue.ts';

/**
 * Errand with tasks that are submitted one by one over HTTP, through a real API process on kept
 * connections.
 */
export const errandOneByOne: QueueKind = {
  name: 'Errand',
  async open(server, processes) {
    const database = await server.freshDatabase();
    const queue = await errandOver(database, processes);
    const { process: api, base } = await startApi(database.url);
    const client = openClient(base, CALLERS);
    const submit = () => client.post(`/v1/tasks/${NO_OP}`, { payload: {} }, 201);
    return {
      ...queue,
      fill: (count) => inLoops(CALLERS, count, submit),
      async close() {
        await client.close();
        await api.stop();
        await queue.close();
      },
    };
  },
};
