import type { Response } from 'express';

/**
 * Answers with JSON. It replaces `json` of Express, which for each answer looks up settings, parses the type and looks
 * for an ETag that we do not send (issue 21).
 */
export function answerJson<R extends Response>(this: R, body: unknown): R {
  const text = JSON.stringify(body);
  if (!this.hasHeader('Content-Type')) this.setHeader('Content-Type', 'application/json; charset=utf-8');
  this.setHeader('Content-Length', Buffer.byteLength(text));
  // Node sends no body in the answer to HEAD.
  this.end(text);
  return this;
}
