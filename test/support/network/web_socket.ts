import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../until.ts';

export type TestSocket = {
  socket: WebSocket;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every shape, and assert what they find
  messages: any[];
  /** The code and the reason of the close. */
  closed: Promise<[number, string]>;
  send(message: unknown): void;
  /** Sends a message and waits for the answer: the next message that is not a change of a task. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  ask(message: unknown): Promise<any>;
  /** Waits until so many changes of tasks have arrived. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  changes(count: number): Promise<any[]>;
};

/**
 * Opens a WebSocket. Cut at the end of the test. Throws with the status if the server refuses it.
 */
export async function openSocket(
  url: string,
  options: { headers?: Record<string, string>; protocols?: string[]; autoPong?: boolean } = {},
): Promise<TestSocket> {
  const { headers = {}, protocols = [], autoPong = true } = options;
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, protocols, { headers, autoPong });
  onTestFinished(() => socket.terminate());
  const messages: TestSocket['messages'] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  const closed = new Promise<[number, string]>((resolve) => {
    socket.once('close', (code, reason) => resolve([code, String(reason)]));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  const answers = () => messages.filter(({ type }) => type !== 'task' && type !== 'connected');
  const changes = () => messages.filter(({ type }) => type === 'task');
  const send = (message: unknown): void =>
    socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  return {
    socket,
    messages,
    closed,
    send,
    async ask(message) {
      const before = answers().length;
      send(message);
      return until('there is an answer', () => answers()[before]);
    },
    changes: (count) => until(`${count} changes have arrived`, () => changes().length >= count && changes()),
  };
}
