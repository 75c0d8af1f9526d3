import { Counter, type Registry } from 'prom-client';

/** Counts what the change feed of this process does with the changes of tasks. */
export type CountChanges = {
  /** Changes that Postgres announced. */
  heard(changes: number): void;
  /** Messages about changes for WebSockets. */
  sent(messages: number): void;
  /** Gaps: some changes may not have been announced, and the readers were told to read again. */
  missed(): void;
};

/** Adds these counters. They start at 0. */
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
