import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type ErrorCode, STATUS_BY_CODE } from '../../core/errors.ts';
import { STATUS_CODES } from '../../process/node_http.ts';

/**
 * Answers input that is not a valid HTTP request, and therefore never reaches the application, in the common
 * form of errors (specification A3): 400 if it cannot be parsed, 431 if its headers are too large, 408 if it
 * does not arrive in time.
 */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { code, message, status = STATUS_BY_CODE[code] } = explain(error.code);
  const requestId = randomUUID();
  const body = JSON.stringify({ error: message, code, request_id: requestId });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${requestId}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

type Explained = { code: ErrorCode; message: string; status?: number };

function explain(code: string | undefined): Explained {
  // RFC 6585 defines the status 431. The specification has no code for it.
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message = 'The request line and headers are larger than 16 KB: send fewer or shorter headers';
    return { code: 'BAD_REQUEST', message, status: 431 };
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { code: 'REQUEST_TIMEOUT', message: 'The request did not arrive in time: send it again' };
  }
  return { code: 'BAD_REQUEST', message: 'The request is not valid HTTP' };
}
