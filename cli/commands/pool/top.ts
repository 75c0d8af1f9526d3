import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { UsageError } from '../../exit_codes.ts';
import { duration } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { once?: boolean; every: number; window: number };

const MIN_EVERY_SECONDS = 0.2;

/** `errand top`: a live picture of the pool. */
export function topCommand(): Command {
  const command = remoteCommand(
    'top',
    'Show throughput, states, names and runners, live; q or Ctrl-C ends it',
    'a line of JSON for each picture; with --once one JSON document',
  )
    .option('--once', 'print one picture and end')
    .option('--every <time>', 'the time between pictures (default: 1s)', duration)
    .option('--window <time>', 'the window of throughput and durations (default: 5m)', duration);
  return withExamples(command, [
    ['errand top', 'watch the pool'],
    ['errand top --once', 'one picture, for a script or a message'],
    ['errand top --every 5s --window 1h', 'less often, over a longer window'],
  ]).action(withSession((session, options: Options) => run(session, { ...DEFAULTS, ...options })));
}

const DEFAULTS = { every: 1, window: 300 };

async function run(session: Session, { once, every, window }: Options): Promise<void> {
  if (every < MIN_EVERY_SECONDS)
    throw new UsageError(`--every must be ${MIN_EVERY_SECONDS} s or more, got ${every} s`);
  const windowMinutes = Math.max(1, Math.round(window / 60));
  const everyMs = every * 1_000;
  if (session.isJson) return await printJson(session, { everyMs, windowMinutes, once: once === true });
  if (once === true) {
    const [{ readSnapshot }, { frameOf }] = await Promise.all([
      import('../../top/snapshot.ts'),
      import('../../top/frame.ts'),
    ]);
    const snapshot = await readSnapshot(session.client, windowMinutes, session.signal);
    const size = {
      columns: process.stdout.columns ?? Number.POSITIVE_INFINITY,
      rows: Number.POSITIVE_INFINITY,
    };
    return session.print(frameOf(snapshot, { url: session.url, keys: '' }, size).join('\n'));
  }
  if (!process.stdout.isTTY) throw new UsageError('A live picture needs a terminal: use --once or --json');
  const { showLive } = await import('../../top/live.ts');
  await showLive(session, { everyMs, windowMinutes });
}

async function printJson(
  session: Session,
  { everyMs, windowMinutes, once }: { everyMs: number; windowMinutes: number; once: boolean },
): Promise<void> {
  const [{ readSnapshot }, { setTimeout }] = await Promise.all([
    import('../../top/snapshot.ts'),
    import('node:timers/promises'),
  ]);
  const { persistent, signal } = session;
  if (once) return session.json(await readSnapshot(session.client, windowMinutes, signal));
  await readSnapshot(session.client, windowMinutes, signal);
  for (;;) {
    session.jsonLine(await readSnapshot(persistent, windowMinutes, signal));
    await setTimeout(everyMs, undefined, { signal });
  }
}
