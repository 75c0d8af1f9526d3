import type { Request, RequestHandler, Response } from 'express';
import { clientOf } from '../auth/identify.ts';
import { createShares, type Shares } from './shares.ts';

/**
 * The part of the requests in flight that may wait for their tasks (`?wait=`). The rest stays free for other
 * work.
 */
const WAITING_PART = 3 / 4;
/** The part of the requests in flight that may load pages. Anybody may load them without credentials. */
const PAGES_PART = 1 / 20;
/** A browser loads all files of a page at once. */
const MIN_PAGES = 10;

/** Counts the work of a process: requests, which get their answer soon, and streams, which stay open. */
export type InFlight = {
  requests(): number;
  /** The open streams of a kind, or all of them. */
  streams(kind?: StreamKind): number;
  /** Admits a request before its caller is known. It counts for the address. */
  enter: RequestHandler;
  /** Counts the request for its caller instead, and among the waiting requests if it waits for its task. */
  share: RequestHandler;
  /** Admits a request for a page. Pages have a limit apart from other requests. */
  enterPage: RequestHandler;
  /** Counts the request as a stream instead. */
  toStream(response: Response, kind: StreamKind): void;
};

/** The kinds of streams. They share one limit. */
export const STREAM_KINDS = ['event_stream', 'websocket'] as const;
export type StreamKind = (typeof STREAM_KINDS)[number];

/**
 * Limits the number of requests and of streams at a time (specification A7), and gives each client a share of
 * both. Above the limit, requests get SERVICE_UNAVAILABLE with Retry-After. Above its share, a client gets
 * RATE_LIMITED.
 */
export function limitInFlight(limits: { requests: number; streams: number }): InFlight {
  const requests = createShares(limits.requests, 'requests are being worked on');
  const waits = createShares(Math.ceil(limits.requests * WAITING_PART), 'requests wait for their tasks');
  const streams = createShares(limits.streams, 'streams are open');
  const pages = createShares(Math.max(MIN_PAGES, limits.requests * PAGES_PART), 'pages are being loaded');
  const open: Record<StreamKind, number> = { event_stream: 0, websocket: 0 };
  const held = new WeakMap<Response, Held>();

  function hold(response: Response, slot: Held): void {
    // 'close' comes once, also when the caller disconnects.
    if (!held.has(response)) response.on('close', () => held.get(response)?.release());
    held.set(response, slot);
  }

  /**
   * Replaces the slot that a response holds. This is synchronous, so the freed slot is still free when it is
   * taken.
   */
  function change(response: Response, retake: (client: string) => () => void): void {
    held.get(response)?.release();
    const client = clientOf(response.req);
    hold(response, { client, release: retake(client) });
  }

  return {
    requests: requests.total,
    streams: (kind) => (kind === undefined ? streams.total() : open[kind]),
    enter: entering(requests, hold),
    enterPage: entering(pages, hold),
    share(request, response, next) {
      // The address is the client, and holds the slot already.
      if (held.get(response)?.client === clientOf(request) && !isWaiting(request)) return next();
      change(response, (client) => {
        const ofRequest = requests.take(client);
        if (!isWaiting(request)) return ofRequest;
        hold(response, { client, release: ofRequest });
        const ofWait = waits.take(client);
        return () => {
          ofRequest();
          ofWait();
        };
      });
      next();
    },
    toStream(response, kind) {
      change(response, (client) => {
        const release = streams.take(client);
        let isOpen = true;
        open[kind]++;
        return () => {
          if (isOpen) open[kind]--;
          isOpen = false;
          release();
        };
      });
    },
  };
}

/** The slot of a response, and the client that it counts for. */
type Held = { client: string; release: () => void };

function entering(shares: Shares, hold: (response: Response, slot: Held) => void): RequestHandler {
  return (request, response, next) => {
    const client = clientOf(request);
    hold(response, { client, release: shares.take(client) });
    next();
  };
}

function isWaiting(request: Request): boolean {
  return request.originalUrl.includes('?') && Number(request.query.wait) > 0;
}
