import { globSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const LIBRARY = '/usr/lib/*/faketime/libfaketime.so.1';

export type FakedClock = {
  /** For the process whose clock it is. */
  environment: Record<string, string>;
  /** Sets it so many seconds ahead of the machine's, also for processes that run. */
  shift(secs: number): Promise<void>;
};

const DURATIONS_AS_EVER = { FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DISABLE_SHM: '1' };

/** The environment of a process whose clock is so many seconds ahead. Durations are measured as ever. */
export function clockAhead(secs: number): Record<string, string> {
  return { LD_PRELOAD: requireLibrary(), FAKETIME: shiftOf(secs), ...DURATIONS_AS_EVER };
}

/** The environment of a process that takes each second for `rate` seconds: its timers fire early. */
export function clockAtRate(rate: number): Record<string, string> {
  return { LD_PRELOAD: requireLibrary(), FAKETIME: `+0 x${rate}`, FAKETIME_DISABLE_SHM: '1' };
}

function requireLibrary(): string {
  const [library] = globSync(LIBRARY);
  if (library === undefined) throw new Error(`There is no ${LIBRARY}: install Debian's package libfaketime.`);
  return library;
}

function shiftOf(secs: number): string {
  return `${secs < 0 ? '' : '+'}${secs}`;
}

/** A clock that can be moved, of a process that starts with its environment. Durations are measured as ever. */
export async function fakedClock(): Promise<FakedClock> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-clock-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  // Postgres may run as another account.
  await chmod(directory, 0o755);
  const file = join(directory, 'shift');
  const shift = async (secs: number): Promise<void> => {
    await writeFile(`${file}.new`, `${shiftOf(secs)}\n`, { mode: 0o644 });
    // In one step: it is read at every look at the clock.
    await rename(`${file}.new`, file);
  };
  await shift(0);
  return {
    environment: {
      LD_PRELOAD: requireLibrary(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      ...DURATIONS_AS_EVER,
    },
    shift,
  };
}
