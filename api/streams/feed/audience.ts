import type { Logger } from 'pino';
import { ErrandError } from '../../../core/errors.ts';
import { namespaceOf } from '../../../core/task.ts';
import { messageOf } from '../../../process/start.ts';
import type { Change, HeardChange } from '../../../store/tasks/changes.ts';
import type { Principal } from '../../auth/principal.ts';
import type { CountChanges, Feed } from './feed.ts';
import { createLedgerReader } from './ledger_reader.ts';
import { changeMessage, MISSED_MESSAGE, type Topic } from './messages.ts';

/** A subscriber: its principal, its topics, and the function that sends it messages. */
export type Subscriber = { principal: Principal; topics: Set<string>; send: (message: string) => void };

export type Audience = {
  join(subscriber: Subscriber): void;
  leave(subscriber: Subscriber): void;
  /**
   * Throws FORBIDDEN for a namespace that the subscriber may not see, and BAD_REQUEST if it has too many
   * subscriptions.
   */
  subscribe(subscriber: Subscriber, topic: Topic): void;
  unsubscribe(subscriber: Subscriber, topic: Topic): void;
};

/** Reads changes from the ledger. `log` reports failed reads. */
export type ReadChanges = {
  read: (ids: readonly string[]) => Promise<Change[]>;
  log: Logger;
  count: Pick<CountChanges, 'sent' | 'missed'>;
};

const MAX_SUBSCRIPTIONS = 100;

/**
 * Makes the audience of a process. While there are subscribers, it listens to all changes. If a change has
 * subscribers, the audience has it read from the ledger and sends it to those that may see it. The cost of
 * finding them does not grow with their number.
 */
export function createAudience(feed: Feed, { read, log, count }: ReadChanges): Audience {
  const all = new Set<Subscriber>();
  const byTopic = new Map<string, Set<Subscriber>>();
  let unlisten: (() => void) | null = null;

  function remove(subscriber: Subscriber, topic: string): void {
    const there = byTopic.get(topic);
    if (there?.delete(subscriber) && there.size === 0) byTopic.delete(topic);
  }

  const readAndSend = createLedgerReader({
    read,
    onChange: sendToSubscribers,
    onMissed(reason) {
      count.missed();
      log.warn({ reason: messageOf(reason) }, 'changes could not be read');
      onMissed();
    },
  });

  function onChange(change: HeardChange): void {
    if (topicsOf(change).some((topic) => byTopic.has(topic))) readAndSend(change);
  }

  function sendToSubscribers(change: Change): void {
    const concerned = new Set(topicsOf(change).flatMap((topic) => [...(byTopic.get(topic) ?? [])]));
    if (concerned.size === 0) return;
    const message = changeMessage(change);
    const readers = [...concerned].filter((one) => maySee(one, namespaceOf(change.name)));
    for (const one of readers) one.send(message);
    count.sent(readers.length);
  }

  function onMissed(): void {
    for (const subscriber of all) subscriber.send(MISSED_MESSAGE);
  }

  return {
    join(subscriber) {
      all.add(subscriber);
      unlisten ??= feed.listen({ onChange, onMissed });
    },
    leave(subscriber) {
      all.delete(subscriber);
      for (const topic of subscriber.topics) remove(subscriber, topic);
      if (all.size > 0) return;
      unlisten?.();
      unlisten = null;
    },
    subscribe(subscriber, { kind, key }) {
      const topic = `${kind} ${key}`;
      if (kind !== 'task') requireNamespace(subscriber, kind === 'name' ? namespaceOf(key) : key);
      if (subscriber.topics.size >= MAX_SUBSCRIPTIONS && !subscriber.topics.has(topic)) {
        throw new ErrandError(
          'BAD_REQUEST',
          `There are already ${MAX_SUBSCRIPTIONS} subscriptions, the maximum: unsubscribe from one first`,
        );
      }
      subscriber.topics.add(topic);
      byTopic.set(topic, (byTopic.get(topic) ?? new Set()).add(subscriber));
    },
    unsubscribe(subscriber, { kind, key }) {
      subscriber.topics.delete(`${kind} ${key}`);
      remove(subscriber, `${kind} ${key}`);
    },
  };
}

function topicsOf({ id, name, parentId }: HeardChange): string[] {
  return [`task ${id}`, `task ${parentId}`, `name ${name}`, `namespace ${namespaceOf(name)}`];
}

function maySee({ principal }: Subscriber, namespace: string): boolean {
  return principal.namespaces === null || principal.namespaces.includes(namespace);
}

function requireNamespace(subscriber: Subscriber, namespace: string): void {
  if (maySee(subscriber, namespace)) return;
  throw new ErrandError(
    'FORBIDDEN',
    `These credentials do not allow access to the namespace ${JSON.stringify(namespace)}`,
  );
}
