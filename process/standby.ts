import type { RequestListener, Server } from 'node:http';
import { Server as NetServer } from 'node:net';

// `errand dev` starts each API and each runner in advance. Such a process loads its code and waits. On the order
// `load` it loads the project, on `commit` it begins its work. So a change of the project takes a moment, and
// a process that cannot load the project never replaces the one that works.

/** An order of `errand dev`. `retire`: another API process has taken over. */
export type Order = 'load' | 'commit' | 'retire';
/** The point at which a process waits for its next order. */
export type Reached = 'preloaded' | 'prepared';

/** How long a kept connection may stay idle before a retired API closes it, in milliseconds. */
const IDLE_MS = 1_000;

let standsBy = false;

/** Makes this process wait for orders of its parent. */
export function enterStandby(): void {
  standsBy = true;
  // It lives until it is ordered or asked to end, and its parent opens its port.
  process.channel?.ref();
}

/** Whether this process was started in advance. Its log leaves out the steps of its start. */
export function isStandby(): boolean {
  return standsBy;
}

/** The level of log lines about the start and the stop of a process. */
export function lifecycleLevel(): 'debug' | 'info' {
  return standsBy ? 'debug' : 'info';
}

/** Reports what this process has reached, and waits for an order. Does nothing in other processes. */
export async function untilOrdered(order: Order, reached: Reached): Promise<void> {
  if (!standsBy) return;
  const ordered = new Promise<void>((resolve) => onOrder(order, resolve));
  process.send?.({ reached });
  await ordered;
}

/** Calls `act` on an order, once. Does nothing in other processes. */
export function onOrder(order: Order, act: () => void): void {
  if (!standsBy) return;
  process.on('message', function listener(message) {
    if (!isOrder(message, order)) return;
    process.off('message', listener);
    act();
  });
}

/** Without Zod, because the thread of the lease loads this file and would load Zod again. */
function isOrder(message: unknown, order: Order): boolean {
  return typeof message === 'object' && message !== null && 'order' in message && message.order === order;
}

/**
 * Leaves new connections to another process that shares the port. Requests on connections that clients have kept
 * are answered, and then these are closed. Resolves when the others have been idle for a second.
 */
export async function handOver(server: Server): Promise<void> {
  const closeAfterwards: RequestListener = (_request, response) => {
    response.setHeader('Connection', 'close');
  };
  server.prependListener('request', closeAfterwards);
  // Not the method of the HTTP server, which closes idle connections at once: a request may be on its way.
  NetServer.prototype.close.call(server);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
}
