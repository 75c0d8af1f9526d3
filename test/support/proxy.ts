import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A connection of a client to Postgres, through the proxy. */
export type ProxiedConnection = {
  /** What the client calls itself (application_name). */
  readonly application: string;
  /** What the client sent last, with whatever else is in the message. */
  lastSent(): string;
  /** From now on what either side sends is swallowed; both sockets stay open. */
  blackHole(): void;
  /** The answer to what the client sent last gets lost: instead of it comes a RST. */
  loseAnswer(): void;
};

export type TcpProxy = {
  /** Of the same database, by way of the proxy. */
  url: string;
  /** Those that are open. */
  connections(): ProxiedConnection[];
  /** Called before what a client has sent is passed on. */
  onSend: (connection: ProxiedConnection) => void;
  /** What clients send takes so long to arrive. */
  delayMs: number;
  /** A RST on every connection at once. */
  resetAll(): void;
  /** Resets all and refuses new connections, as a host does whose Postgres is gone. */
  down(): Promise<void>;
  up(): Promise<void>;
};

type Link = ProxiedConnection & { reset(): void };

/** A TCP proxy before a Postgres, to do to its connections what networks do. Closed when the test is done. */
export async function startProxy(databaseUrl: string): Promise<TcpProxy> {
  const target = new URL(databaseUrl);
  const links = new Set<Link>();
  const server = createServer((client) => open(client, target, links, proxy));
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  const proxy: TcpProxy = {
    url: url.href,
    connections: () => [...links],
    onSend: () => {},
    delayMs: 0,
    resetAll: () => {
      for (const link of links) link.reset();
    },
    async down() {
      const closed = once(server, 'close');
      server.close();
      proxy.resetAll();
      await closed;
    },
    up: () => listen(port),
  };
  onTestFinished(async () => {
    if (server.listening) await proxy.down();
  });
  return proxy;
}

function open(client: Socket, target: URL, links: Set<Link>, proxy: TcpProxy): void {
  const upstream = connect(Number(target.port), target.hostname);
  const pass = delayLine((bytes) => upstream.write(bytes));
  let application = '';
  let lastSent = '';
  let fate: 'passed' | 'swallowed' | 'lost' = 'passed';
  const link: Link = {
    get application() {
      return application;
    },
    lastSent: () => lastSent,
    blackHole() {
      fate = 'swallowed';
    },
    loseAnswer() {
      fate = 'lost';
    },
    reset() {
      links.delete(link);
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    },
  };
  links.add(link);
  client.on('data', (bytes) => {
    lastSent = bytes.toString('latin1');
    if (application === '') application = /application_name\0([^\0]*)/.exec(lastSent)?.[1] ?? '';
    proxy.onSend(link);
    if (fate !== 'swallowed') pass(bytes, proxy.delayMs);
  });
  upstream.on('data', (bytes) => {
    if (fate === 'lost') link.reset();
    else if (fate === 'passed') client.write(bytes);
  });
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on('error', () => {});
    one.on('close', () => {
      links.delete(link);
      if (fate !== 'swallowed' || one === client) other.destroy();
    });
  }
}

/** Passes things on in order, each after its delay at the earliest. */
function delayLine(pass: (bytes: Buffer) => void): (bytes: Buffer, delayMs: number) => void {
  const waiting: { bytes: Buffer; due: number }[] = [];
  const flush = (): void => {
    for (let next = waiting[0]; next !== undefined && next.due <= performance.now(); next = waiting[0]) {
      waiting.shift();
      pass(next.bytes);
    }
    const [first] = waiting;
    if (first !== undefined) setTimeout(flush, first.due - performance.now() + 1);
  };
  return (bytes, delayMs) => {
    waiting.push({ bytes, due: performance.now() + delayMs });
    if (waiting.length === 1) flush();
  };
}
