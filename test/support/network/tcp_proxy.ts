import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A connection of a client to Postgres through the proxy. */
export type ProxiedConnection = {
  /** The name that the client gave (application_name). */
  readonly application: string;
  /** The last data that the client sent. */
  lastSent(): string;
  /** From now on drops what either side sends. Both sockets stay open. */
  blackHole(): void;
  /** From now on drops the answers of Postgres. Data of the client arrives. */
  swallowAnswers(): void;
  /** Loses the answer to the last data of the client: the client gets a RST instead. */
  loseAnswer(): void;
};

export type TcpProxy = {
  /** The URL of the same database through the proxy. */
  url: string;
  /** The open connections. */
  connections(): ProxiedConnection[];
  /** Called before data of a client is passed on. */
  onSend: (connection: ProxiedConnection) => void;
  /** The delay of data from clients. */
  delayMs: number;
  /** Sends a RST on every connection at once. */
  resetAll(): void;
  /** Resets all connections and refuses new ones, like a host without Postgres. */
  down(): Promise<void>;
  up(): Promise<void>;
  isUp(): boolean;
};

type Link = ProxiedConnection & { reset(): void };

/** The same proxy for use outside of tests. */
export async function openProxy(databaseUrl: string): Promise<TcpProxy> {
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
    isUp: () => server.listening,
  };
  return proxy;
}

function open(client: Socket, target: URL, links: Set<Link>, proxy: TcpProxy): void {
  const upstream = connect(Number(target.port), target.hostname);
  const pass = delayLine((bytes) => upstream.write(bytes));
  let application = '';
  let lastSent = '';
  let fate: 'passed' | 'swallowed' | 'unanswered' | 'lost' = 'passed';
  const link: Link = {
    get application() {
      return application;
    },
    lastSent: () => lastSent,
    blackHole() {
      fate = 'swallowed';
    },
    swallowAnswers() {
      fate = 'unanswered';
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

/** Passes data on in order, each after its delay at the earliest. */
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
