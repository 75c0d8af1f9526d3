import { ErrandError } from '../../core/errors.ts';
import { namespaceOf } from '../../core/task.ts';
import type { Change } from '../../store/changes.ts';
import type { Principal } from '../auth/principal.ts';
import type { Feed } from './feed.ts';
import { changeMessage, MISSED_MESSAGE, type Topic } from './messages.ts';

/** Somebody who subscribes: who it is, to what, and how it is told. */
export type Subscriber = { principal: Principal; topics: Set<string>; tell: (message: string) => void };

export type Audience = {
  join(subscriber: Subscriber): void;
  leave(subscriber: Subscriber): void;
  /** Throws FORBIDDEN for a namespace that is none of the subscriber's, BAD_REQUEST when it has too many. */
  subscribe(subscriber: Subscriber, topic: Topic): void;
  unsubscribe(subscriber: Subscriber, topic: Topic): void;
};

const MAX_SUBSCRIPTIONS = 100;

/**
 * Makes the audience of a process: it hears of all changes, as long as there is anybody, and tells each to those who have
 * subscribed to it and may see it. Finding them costs the same however many there are.
 */
export function createAudience(feed: Feed): Audience {
  const all = new Set<Subscriber>();
  const byTopic = new Map<string, Set<Subscriber>>();
  let unlisten: (() => void) | null = null;

  function remove(subscriber: Subscriber, topic: string): void {
    const there = byTopic.get(topic);
    if (there?.delete(subscriber) && there.size === 0) byTopic.delete(topic);
  }

  function onChange(change: Change): void {
    const concerned = new Set(topicsOf(change).flatMap((topic) => [...(byTopic.get(topic) ?? [])]));
    if (concerned.size === 0) return;
    const message = changeMessage(change);
    for (const one of concerned) if (maySee(one, namespaceOf(change.name))) one.tell(message);
  }

  function onMissed(): void {
    for (const subscriber of all) subscriber.tell(MISSED_MESSAGE);
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
          `These are ${MAX_SUBSCRIPTIONS} subscriptions, which is the most`,
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

function topicsOf({ id, name, parentId }: Change): string[] {
  return [`task ${id}`, `task ${parentId}`, `name ${name}`, `namespace ${namespaceOf(name)}`];
}

function maySee({ principal }: Subscriber, namespace: string): boolean {
  return principal.namespaces === null || principal.namespaces.includes(namespace);
}

function requireNamespace(subscriber: Subscriber, namespace: string): void {
  if (maySee(subscriber, namespace)) return;
  throw new ErrandError(
    'FORBIDDEN',
    `These credentials are not for the namespace ${JSON.stringify(namespace)}`,
  );
}
