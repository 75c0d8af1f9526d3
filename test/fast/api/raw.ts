import { request } from 'node:http';
import type { Answer } from '../../support/api.ts';

/** How a body is sent: as it is, with its length, or in chunks without one. */
export type RawOptions = {
  body?: string | Uint8Array | undefined;
  headers?: Record<string, string>;
  chunked?: boolean;
};

/**
 * Sends a request as it is, which fetch would not: any path, any method, any header. Resolves with the answer even
 * when the server stops reading in the middle of the body.
 */
export function raw(url: string, method: string, path: string, options: RawOptions = {}): Promise<Answer> {
  const { body, headers = {}, chunked = false } = options;
  const { hostname, port } = new URL(url);
  const length: Record<string, string> =
    body === undefined
      ? {}
      : chunked
        ? { 'transfer-encoding': 'chunked' }
        : { 'content-length': `${Buffer.byteLength(body)}` };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers: { ...length, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const answerHeaders = new Headers();
        for (const [name, values] of Object.entries(response.headersDistinct)) {
          for (const value of values ?? []) answerHeaders.append(name, value);
        }
        const isJson =
          answerHeaders.get('content-type')?.startsWith('application/json') === true && text !== '';
        resolve({
          status: response.statusCode ?? 0,
          headers: answerHeaders,
          text,
          body: isJson ? JSON.parse(text) : undefined,
        });
      });
    });
    // After the answer has come, a broken pipe of the rest of the body is of no interest.
    sent.on('error', reject);
    if (body !== undefined) sent.write(body);
    sent.end();
  });
}
