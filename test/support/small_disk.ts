import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

export type SmallDisk = {
  directory: string;
  /** Fills the remaining space. */
  fill(): Promise<void>;
  /** Frees the space that `fill` took. */
  free(): Promise<void>;
};

const run = promisify(execFile);

/**
 * Mounts a small filesystem for the calling test alone; null if the process may not mount. Removed
 * at the end of the test.
 */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk | null> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-disk-'));
  const mounted = await run('mount', [
    ...['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory],
  ]).then(
    () => true,
    () => false,
  );
  onTestFinished(async () => {
    if (mounted) await run('umount', ['-l', directory]);
    await rmdir(directory);
  });
  if (!mounted) return null;
  await chmod(directory, 0o777);
  const ballast = join(directory, 'ballast');
  return {
    directory,
    async fill() {
      const megabyte = Buffer.alloc(1024 * 1024, 1);
      for (const piece of [megabyte, megabyte.subarray(0, 4_096)]) {
        while (await append(ballast, piece));
      }
    },
    free: () => rm(ballast),
  };
}

/** Gives false if there is no space. */
async function append(file: string, bytes: Buffer): Promise<boolean> {
  try {
    await writeFile(file, bytes, { flag: 'a' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}
