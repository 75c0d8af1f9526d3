import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

/**
 * Starts a proxy that serves an API below `/queue` and nothing else. It strips the prefix, sends it
 * as X-Forwarded-Prefix if `sendsPrefix`, and uses the host of the API instead of the caller's.
 * Gives its own URL, without the prefix. Closed at the end of the file.
 */
export async function startPrefixProxy(apiUrl: string, sendsPrefix = true): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url = '' } = incoming;
    if (!url.startsWith('/queue/')) return void outgoing.writeHead(404).end('outside');
    const { host: _host, ...rest } = headers;
    const prefix = sendsPrefix ? { 'x-forwarded-prefix': '/queue' } : {};
    const path = url.slice('/queue'.length);
    const passed = request(apiUrl, { path, ...(method && { method }), headers: { ...rest, ...prefix } });
    passed.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
