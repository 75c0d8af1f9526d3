import { beforeEach, expect, test } from 'vitest';
import { createLiveFeed, type LiveFeed, type Topic } from '../../../dashboard/data/live.ts';

type Request = { type: string; name?: string };

/** A socket as the API would answer it, one request after the other, when the test says so. */
class Socket {
  readyState = 0;
  requests: Request[] = [];
  onopen?: () => void;
  onclose?: () => void;
  onmessage?: (event: { data: string }) => void;
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  send(text: string): void {
    this.requests.push(JSON.parse(text) as Request);
  }
  close(): void {
    this.readyState = 3;
    this.onclose?.();
  }
  receive(message: Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  /** Answers all requests. */
  answer(): Request[] {
    const all = this.requests;
    this.requests = [];
    for (const { type, name } of all) this.receive({ type: `${type}d`, name });
    return all;
  }
}

const TOPIC: Topic[] = [{ name: 'mail.send' }];
const CHANGE = { type: 'task', id: '1', name: 'mail.send', parent_id: null };

let socket: Socket;
let feed: LiveFeed;
beforeEach(() => {
  feed = createLiveFeed(() => {
    socket = new Socket();
    return socket as unknown as WebSocket;
  });
});

test('a page that reads anyway hears of one change, however many there are, and of the next one after it has read', () => {
  let told = 0;
  const following = feed.follow(TOPIC, () => ++told < 1);
  socket.open();
  // It may have missed something before the connection, so it is told once
  expect([told, socket.requests]).toEqual([1, []]);
  let reads = 0;
  following.again(() => reads++);
  expect(socket.answer()).toEqual([{ type: 'subscribe', name: 'mail.send' }]);
  expect(reads).toBe(1);
  for (let change = 0; change < 100; change++) socket.receive(CHANGE);
  expect([told, socket.answer()]).toEqual([2, [{ type: 'unsubscribe', name: 'mail.send' }]]);
});

test('it reads only when its subscription holds, so that no change is lost between the two', () => {
  const following = feed.follow(TOPIC, () => false);
  socket.open();
  let reads = 0;
  following.again(() => reads++);
  expect(reads).toBe(0);
  socket.answer();
  expect(reads).toBe(1);
});

test('if the connection breaks while it waits, it reads at once', () => {
  const following = feed.follow(TOPIC, () => false);
  socket.open();
  let reads = 0;
  following.again(() => reads++);
  following.end();
  socket.close();
  expect(reads).toBe(1);
});

test('a page that is held hears of every change', () => {
  let told = 0;
  feed.follow(TOPIC, () => {
    told++;
    return true;
  });
  socket.open();
  socket.answer();
  for (let change = 0; change < 5; change++) socket.receive(CHANGE);
  socket.receive({ ...CHANGE, name: 'mail.other' });
  socket.receive({ type: 'missed' });
  expect(told).toBe(1 + 5 + 1);
  expect(socket.requests).toEqual([]);
});

test('one page of two that rests does not silence the other', () => {
  let told = 0;
  feed.follow(TOPIC, () => false);
  feed.follow(TOPIC, () => {
    told++;
    return true;
  });
  socket.open();
  socket.answer();
  socket.receive(CHANGE);
  expect(told).toBe(2);
  expect(socket.requests).toEqual([]);
});
