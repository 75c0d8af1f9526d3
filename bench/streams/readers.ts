import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';

/** WebSockets that are subscribed to the tasks of a name, and what has arrived at them. */
export type Readers = {
  /** How many messages about changes have arrived at all of them. */
  messages(): number;
  /** Resolves when each has got the end of so many tasks since the last call. Rejects if one loses its stream. */
  untilEnded(tasks: number): Promise<void>;
  close(): Promise<void>;
};

const messageSchema = z.object({ type: z.string(), state: z.string().optional() });

/** Opens so many WebSockets of an API at `base`, without a path, and subscribes each to the tasks of a name. */
export async function openReaders(base: string, count: number, name: string): Promise<Readers> {
  const sockets = Array.from({ length: count }, () => new WebSocket(`${base.replace(/^http/, 'ws')}/ws`));
  const ended = sockets.map(() => 0);
  let messages = 0;
  let look = (): void => {};
  const lost = Promise.withResolvers<never>();
  // Thrown where somebody waits.
  lost.promise.catch(() => {});
  const subscribed = sockets.map(async (socket, index) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on('error', lost.reject);
    socket.on('close', (code, reason) => lost.reject(new Error(`a stream was closed: ${code} ${reason}`)));
    socket.on('message', (data) => {
      const { type, state } = messageSchema.parse(JSON.parse(String(data)));
      if (type === 'subscribed') resolve();
      else if (type === 'missed' || type === 'error') lost.reject(new Error(`a stream got ${String(data)}`));
      else if (type === 'task') {
        messages++;
        if (state !== 'succeeded') return;
        ended[index] = (ended[index] ?? 0) + 1;
        look();
      }
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'subscribe', name }));
    await promise;
  });
  await Promise.race([Promise.all(subscribed), lost.promise]);
  return {
    messages: () => messages,
    async untilEnded(tasks) {
      const { promise, resolve } = Promise.withResolvers<void>();
      look = () => {
        if (ended.every((of) => of >= tasks)) resolve();
      };
      look();
      await Promise.race([promise, lost.promise]);
      ended.fill(0);
    },
    async close() {
      const closed = sockets.map((socket) => once(socket, 'close'));
      for (const socket of sockets) socket.close();
      await Promise.all(closed);
    },
  };
}
