import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * A witness outside Errand of what runs: each handler holds a connection to it while it works. The kernel
 * closes the connections of a process that is killed, and keeps those of one that is only stopped. So it sees
 * what runs, and not what the ledger says about it.
 */
export type Presence = {
  port: number;
  /** How many are there now, and were at most at one time, for a key. */
  now(key: string): number;
  most(key: string): number;
  /** When each one that came, came: performance.now() of the witness, in order. */
  arrivals(key: string): readonly number[];
};

export async function watchPresence(): Promise<Presence> {
  const present = new Map<string, Set<Socket>>();
  const most = new Map<string, number>();
  const arrivals = new Map<string, number[]>();
  const all = new Set<Socket>();
  const server = createServer((socket) => {
    all.add(socket);
    socket.on('error', () => {});
    socket.once('data', (data) => {
      for (const key of data.toString().trim().split(' ')) {
        const there = present.get(key) ?? new Set();
        present.set(key, there.add(socket));
        arrivals.set(key, [...(arrivals.get(key) ?? []), performance.now()]);
        most.set(key, Math.max(most.get(key) ?? 0, there.size));
        socket.once('close', () => there.delete(socket));
      }
      socket.write('seen');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of all) socket.destroy();
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    now: (key) => present.get(key)?.size ?? 0,
    most: (key) => most.get(key) ?? 0,
    arrivals: (key) => arrivals.get(key) ?? [],
  };
}

/** Is present for these keys while `work` runs: from before its start until the witness knows of its end. */
export async function bePresent<T>(port: number, keys: string[], work: () => Promise<T>): Promise<T> {
  const socket = connect(port, '127.0.0.1');
  socket.write(keys.join(' '));
  await once(socket, 'data');
  try {
    return await work();
  } finally {
    const closed = once(socket, 'close');
    socket.end();
    await closed;
  }
}
