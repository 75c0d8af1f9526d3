/** The limits for clients that take turns. */
export type RoundLimits = {
  /** The maximum that may run in all. */
  total: number;
  /** The maximum that may run for one client. */
  perClient: number;
  /** How many more of one client may wait. */
  waitingPerClient: number;
};

export type Rounds = {
  /**
   * Waits for a turn, and gives the function that ends it. Clients take turns, however much each asks for.
   * Rejects with the reason of the signal if it is aborted first, and with the error of `refuse` if too many
   * calls of this client already wait.
   */
  take(client: string, signal: AbortSignal, refuse: () => Error): Promise<() => void>;
};

type Waiter = () => void;
type Client = { running: number; waiting: Set<Waiter> };

/** Divides a limited resource among clients, so that no client can take all of it. */
export function createRounds(limits: RoundLimits): Rounds {
  /** In the order of service: a client that had a turn goes to the end. */
  const clients = new Map<string, Client>();
  let running = 0;

  function isFree(client: Client): boolean {
    return running < limits.total && client.running < limits.perClient;
  }

  function start(name: string, client: Client): () => void {
    running++;
    client.running++;
    toTheEnd(name, client);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      running--;
      client.running--;
      toTheEnd(name, client);
      serve();
      forget(name, client);
    };
  }

  function toTheEnd(name: string, client: Client): void {
    clients.delete(name);
    clients.set(name, client);
  }

  function serve(): void {
    for (const client of [...clients.values()]) {
      const [first] = client.waiting;
      if (first !== undefined && isFree(client)) first();
    }
  }

  function forget(name: string, client: Client): void {
    if (client.running === 0 && client.waiting.size === 0) clients.delete(name);
  }

  return {
    async take(name, signal, refuse) {
      signal.throwIfAborted();
      const client = clients.get(name) ?? { running: 0, waiting: new Set() };
      if (client.waiting.size === 0 && isFree(client)) return start(name, client);
      if (client.waiting.size >= limits.waitingPerClient) throw refuse();
      clients.set(name, client);
      return new Promise<() => void>((resolve, reject) => {
        const onAbort = (): void => {
          client.waiting.delete(waiter);
          forget(name, client);
          reject(signal.reason);
        };
        const waiter = (): void => {
          client.waiting.delete(waiter);
          signal.removeEventListener('abort', onAbort);
          resolve(start(name, client));
        };
        client.waiting.add(waiter);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
  };
}
