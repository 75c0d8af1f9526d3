import type { Command } from 'commander';
import type { SubmitOptions } from '../../client/index.ts';
import type { RemoteOptions } from '../connection.ts';
import { duration, futureTime, integer, list } from '../options.ts';

/** The options of `errand submit`, as commander gives them. */
export type SubmitFlags = RemoteOptions & {
  payload?: string;
  batch?: string;
  wait?: number | true;
  priority?: number;
  delay?: number;
  runAt?: string;
  expires?: number;
  concurrencyKey?: string;
  timeout?: number;
  tag?: string[];
  dedup?: 'payload' | 'none';
  dedupKey?: string;
  dedupWindow?: number;
  debounce?: number;
  throttle?: number;
  idempotencyKey?: string;
  maxAttempts?: number;
  initiator?: string;
  sourceSystem?: string;
  reason?: string;
  callbackUrl?: string;
  traceparent?: string;
  taskVersion?: string;
  quiet?: boolean;
};

/** Adds the options of a submission. */
export function addSubmitOptions(command: Command): Command {
  return command
    .option('-p, --payload <payload>', 'the same as the argument')
    .option('--batch <file>', 'submit each line of a file of JSON values; - for standard input')
    .option(
      '--wait [time]',
      'wait until it has ended, at most this long: 30s, 5m (default: no limit)',
      duration,
    )
    .option('--priority <number>', 'smaller starts first', integer(-1_000_000_000, 1_000_000_000))
    .option('--delay <time>', 'do not start before this time is over: 90, 15m, 2h', duration)
    .option('--run-at <time>', 'do not start before this time: 2026-11-30T14:00, or 2h', futureTime)
    .option('--expires <time>', 'end it as expired unless it starts so long after it was due', duration)
    .option('--concurrency-key <key>', 'the key of its limits, in place of the one that they compute')
    .option('--timeout <time>', 'how long an attempt may take: 90, 15m, 2h', duration)
    .option('--tag <tags>', 'a tag for lists (repeat it, or use commas)', list)
    .option('--dedup <strategy>', 'payload: the same payload is the same task; none: always a new task')
    .option('--dedup-key <key>', 'the same key is the same task')
    .option('--dedup-window <time>', 'after this time the same submission is a new task', duration)
    .option(
      '--debounce <time>',
      'with others of this key until this time is over: the last payload runs',
      duration,
    )
    .option(
      '--throttle <time>',
      'for this time the first of this key counts, and others change nothing',
      duration,
    )
    .option('--idempotency-key <key>', 'makes it safe to repeat the command: it submits once')
    .option('--max-attempts <number>', 'the number of attempts', integer(1))
    .option('--initiator <who>', 'the person or system that asked for it')
    .option('--source-system <name>', 'the system that submits it')
    .option('--reason <text>', 'the reason')
    .option('--callback-url <url>', 'a URL that receives the outcome')
    .option('--traceparent <traceparent>', 'the trace that it belongs to (W3C)')
    .option('--task-version <version>', 'refuse it unless the definition has this version')
    .option('-q, --quiet', 'print only the id');
}

/** The options of a submission, as the client takes them. */
export function toSubmitOptions(flags: SubmitFlags): SubmitOptions {
  return {
    version: flags.taskVersion,
    priority: flags.priority,
    runAt: flags.runAt,
    delaySeconds: flags.delay,
    expiresInSeconds: flags.expires,
    concurrencyKey: flags.concurrencyKey,
    timeoutSeconds: flags.timeout,
    tags: flags.tag,
    initiator: flags.initiator,
    sourceSystem: flags.sourceSystem,
    reason: flags.reason,
    maxAttempts: flags.maxAttempts,
    callbackUrl: flags.callbackUrl,
    traceparent: flags.traceparent,
    dedup: flags.dedup,
    dedupKey: flags.dedupKey,
    idempotencyKey: flags.idempotencyKey,
    dedupWindowSeconds: flags.dedupWindow,
    debounceSeconds: flags.debounce,
    throttleSeconds: flags.throttle,
  };
}
