import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type CountUntaken, requireTaken } from '../../../process/taken.ts';

const LARGE = Buffer.alloc(30_000_000);
/** What an answer of this size has beside it is 114 s. */
const AT_ONCE = -114_000;

type Answering = { port: number; ended: Promise<{ finished: boolean }> };

/** A server that answers by a handler, with what became of the first answer. */
async function answering(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  withinMs: number,
  count?: CountUntaken<ServerResponse>,
): Promise<Answering> {
  const middleware = requireTaken(withinMs, count);
  const { promise: ended, resolve } = Promise.withResolvers<{ finished: boolean }>();
  const server = createServer((request, response) => {
    response.once('close', () => resolve({ finished: response.writableFinished }));
    middleware(request, response, () => handler(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, ended };
}

/** Asks, and takes nothing of the answer. */
function readNothing(port: number): void {
  const socket = connect(port, '127.0.0.1').pause();
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  onTestFinished(() => void socket.destroy());
}

test('an answer that nobody takes is cut when its time is up', async () => {
  const { port, ended } = await answering((_request, response) => response.end(LARGE), AT_ONCE);
  readNothing(port);
  expect(await ended).toEqual({ finished: false });
});

test('an answer that is taken is whole, and counted until then', async () => {
  const counted: number[] = [];
  let isCounted = false;
  const count: CountUntaken<ServerResponse> = (_response, bytes) => {
    counted.push(bytes);
    isCounted = true;
    return () => {
      isCounted = false;
    };
  };
  const { port, ended } = await answering((_request, response) => response.end(LARGE), 3_600_000, count);
  const [response] = (await once(get({ port, host: '127.0.0.1' }), 'response')) as [IncomingMessage];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  await once(response, 'end');
  expect(length).toBe(LARGE.length);
  expect(await ended).toEqual({ finished: true });
  expect(counted).toEqual([expect.any(Number)]);
  expect(counted[0]).toBeGreaterThan(20_000_000);
  expect(isCounted).toBe(false);
});

test('an answer for which there is no room is cut at once', async () => {
  const count: CountUntaken<ServerResponse> = () => {
    throw new Error('too much');
  };
  const { port, ended } = await answering((_request, response) => response.end(LARGE), 3_600_000, count);
  readNothing(port);
  expect(await ended).toEqual({ finished: false });
});

test('what a stream has left when it ends must be taken, too', async () => {
  const { promise: streaming, resolve } = Promise.withResolvers<ServerResponse>();
  const { port, ended } = await answering((_request, response) => {
    response.write(LARGE);
    resolve(response);
  }, AT_ONCE);
  readNothing(port);
  const response = await streaming;
  response.end();
  expect(await ended).toEqual({ finished: false });
});
