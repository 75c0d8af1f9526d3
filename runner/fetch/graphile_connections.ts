import type { Notification, Pool, PoolClient } from 'pg';

/**
 * Wraps the pool so that it gives connections only after `opened` has resolved. graphile-worker
 * chooses the id of its pool itself and fetches at once, but recovery must know the id before that
 * pool locks its first dispatch.
 *
 * graphile-worker uses the callback form of `connect` only for the connection that listens.
 */
export function gate(pgPool: Pool, opened: Promise<void>): Pool {
  type Callback = (error: Error | undefined, client: PoolClient | undefined, release: () => void) => void;
  return Object.create(pgPool, {
    connect: {
      value: (callback?: Callback) => {
        if (callback === undefined) return opened.then(() => pgPool.connect());
        return void opened.then(
          () =>
            pgPool.connect((error, client, release) =>
              callback(error, client && withoutMigrate(client), release),
            ),
          (error: Error) => callback(error, undefined, () => {}),
        );
      },
    },
  }) as Pool;
}

type Listener = (message: Notification) => void;

/**
 * Wraps a connection so that its listeners do not receive `worker:migrate`. On that notification
 * graphile-worker 0.18 ends its pool and sets the exit code, and any role that may connect can send
 * one.
 */
function withoutMigrate(client: PoolClient): PoolClient {
  const filters = new Map<unknown, Listener>();
  const methods: Record<string | symbol, unknown> = {
    on(event: string, listener: Listener) {
      const filtered: Listener = (message) => {
        if (message.channel !== 'worker:migrate') listener(message);
      };
      if (event === 'notification') filters.set(listener, filtered);
      client.on(event as 'notification', filters.get(listener) ?? listener);
    },
    removeListener(event: string, listener: Listener) {
      client.removeListener(event, filters.get(listener) ?? listener);
    },
  };
  return new Proxy(client, {
    get(target, key) {
      if (Object.hasOwn(methods, key)) return methods[key];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
