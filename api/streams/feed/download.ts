import type { Response } from 'express';
import { drained } from './event_stream.ts';

/** An answer that is sent in parts, as fast as the reader takes it. */
export type Download = {
  /** Sends a part. Resolves when the reader can receive more, and also if it has disconnected. */
  send(text: string): Promise<void>;
  /** Whether nobody receives it any more. */
  isOver(): boolean;
  end(): void;
};

/**
 * Begins an answer of unknown length. If it takes too long, the process stops or the credentials become
 * invalid, the connection is cut, so that the reader does not take a part for all.
 */
export function openDownload(
  response: Response,
  {
    headers,
    stopping,
    stalledMs,
    lifetimeMs,
    onRevoked,
  }: {
    headers: Record<string, string>;
    stopping: AbortSignal;
    stalledMs: number;
    lifetimeMs: number;
    /** Calls `cut` when the credentials become invalid. Gives a function that stops watching. */
    onRevoked: (cut: () => void) => () => void;
  },
): Download {
  const cut = (): void => void response.destroy();
  const lifetime = setTimeout(cut, lifetimeMs);
  const forget = onRevoked(cut);
  stopping.addEventListener('abort', cut);
  response.once('close', () => {
    clearTimeout(lifetime);
    forget();
    stopping.removeEventListener('abort', cut);
  });
  response.writeHead(200, headers);
  if (stopping.aborted) cut();
  return {
    isOver: () => response.destroyed,
    async send(text) {
      if (response.destroyed) return;
      if (!response.write(text)) await drained(response, stalledMs);
    },
    end: () => void response.end(),
  };
}
