import { Counter, type Registry } from 'prom-client';
import type { CountChanges } from '../streams/feed/feed.ts';

/** Adds the counters of the change feed. They start at 0. */
export function countChanges(registry: Registry): CountChanges {
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [registry] });
  const heard = counter(
    'errand_changes_heard_total',
    'Changes of tasks that Postgres announced to this process',
  );
  const sent = counter(
    'errand_changes_sent_total',
    'Messages about changes that this process sent to WebSockets',
  );
  const missed = counter(
    'errand_changes_missed_total',
    'Gaps in the announced changes, after which WebSockets read again',
  );
  return {
    heard: (changes) => heard.inc(changes),
    sent: (messages) => sent.inc(messages),
    missed: () => missed.inc(),
  };
}
