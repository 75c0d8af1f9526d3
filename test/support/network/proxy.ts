import { onTestFinished } from 'vitest';
import { openProxy, type TcpProxy } from './tcp_proxy.ts';

export type { ProxiedConnection, TcpProxy } from './tcp_proxy.ts';

/**
 * A TCP proxy in front of Postgres that can disturb its connections like a network. Closed at the
 * end of the test.
 */
export async function startProxy(databaseUrl: string): Promise<TcpProxy> {
  const proxy = await openProxy(databaseUrl);
  onTestFinished(async () => {
    if (proxy.isUp()) await proxy.down();
  });
  return proxy;
}
