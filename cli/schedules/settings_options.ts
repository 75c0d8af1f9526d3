import { type Command, Option } from 'commander';
import type { RemoteOptions } from '../connection.ts';
import { UsageError } from '../exit_codes.ts';
import { duration, futureTime, integer, list } from '../options.ts';

/** The options that say when a schedule runs, as commander gives them. */
export type TimingFlags = {
  cron?: string;
  every?: number;
  at?: string;
  timezone?: string;
  jitter?: number;
  startsAt?: string;
  endsAt?: string;
};

/** All options of the settings of a schedule. */
export type SettingsFlags = RemoteOptions &
  TimingFlags & {
    task?: string;
    payload?: string;
    description?: string;
    catchUp?: string;
    catchUpWindow?: number;
    catchUpMax?: number;
    overlap?: string;
    priority?: number;
    maxAttempts?: number;
    expires?: number;
    concurrencyKey?: string;
    tag?: string[];
  };

/** Adds the options that say when. */
export function addTimingOptions(command: Command): Command {
  return command
    .option('--cron <expression>', 'five or six fields, or @daily: 30 2 * * *')
    .option('--every <time>', 'an interval: 90s, 15m, 6h', duration)
    .option('--at <time>', 'once, at this time: 2026-11-30T14:00, or 2h', futureTime)
    .option('--timezone <zone>', 'the time zone of --cron, such as Europe/Berlin (default: UTC)')
    .option('--jitter <time>', 'delay each time by up to this long', duration)
    .option('--starts-at <time>', 'no time before this one', futureTime)
    .option('--ends-at <time>', 'no time after this one', futureTime);
}

/** Adds the other options of the settings. */
export function addSettingsOptions(command: Command): Command {
  return command
    .option('--task <task>', 'the name of the task')
    .option('-p, --payload <payload>', 'the payload: JSON, @file, or - for standard input (default: {})')
    .option('--description <text>', 'what it is for')
    .addOption(
      new Option('--catch-up <policy>', 'what happens to missed times').choices(['skip', 'last', 'all']),
    )
    .option('--catch-up-window <time>', 'older times are not caught up with (default: 7d)', duration)
    .option('--catch-up-max <number>', 'with --catch-up all: at most this many', integer(1, 1_000))
    .addOption(
      new Option('--overlap <policy>', 'what happens while an earlier run has not ended').choices([
        'skip',
        'queue_one',
        'cancel_running',
        'allow',
      ]),
    )
    .option('--priority <number>', 'smaller starts first', integer(-1_000_000_000, 1_000_000_000))
    .option('--max-attempts <number>', 'the number of attempts', integer(1))
    .option('--expires <time>', 'end a task as expired unless it starts so soon', duration)
    .option('--concurrency-key <key>', 'the key of the limits of its tasks')
    .option('--tag <tags>', 'a tag for its tasks (repeat it, or use commas)', list);
}

/** The timing, as the API takes it. */
export function toTiming(flags: TimingFlags): Record<string, unknown> {
  return {
    cron: flags.cron,
    every_seconds: flags.every,
    at: flags.at,
    timezone: flags.timezone,
    jitter_seconds: flags.jitter,
    starts_at: flags.startsAt,
    ends_at: flags.endsAt,
  };
}

/** The options of the settings that were given, by their flags. */
export function givenSettings(flags: SettingsFlags): string[] {
  return Object.entries({ ...toTiming(flags), ...ofSettings(flags), payload: flags.payload })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
}

/** The settings, as the API takes them, with a payload that was read. Throws UsageError without a task. */
export function toSettings(flags: SettingsFlags, payload: unknown): Record<string, unknown> {
  if (flags.task === undefined)
    throw new UsageError(
      'Give the settings: a document (@file.json), or --task with --cron, --every or --at',
    );
  return { ...ofSettings(flags), ...toTiming(flags), payload };
}

function ofSettings(flags: SettingsFlags): Record<string, unknown> {
  return {
    task: flags.task,
    description: flags.description,
    catch_up: flags.catchUp,
    catch_up_window_seconds: flags.catchUpWindow,
    catch_up_max: flags.catchUpMax,
    overlap: flags.overlap,
    priority: flags.priority,
    max_attempts: flags.maxAttempts,
    expires_in_seconds: flags.expires,
    concurrency_key: flags.concurrencyKey,
    tags: flags.tag,
  };
}
