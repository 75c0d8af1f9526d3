import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../embedded/ports.ts';
import { until } from '../until.ts';
import { whenDone } from '../when_done.ts';

/** Where Debian has it. */
const PROGRAM = '/usr/sbin/nginx';

/**
 * Starts a real nginx on loopback with these locations of one server, and gives its URL. Ended at the end of the
 * test, or of the file if it was started outside of a test. Throws with its output if it does not start.
 */
export async function startNginx(locations: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-nginx-'));
  // As root its workers change to another account, which writes the bodies there.
  await chmod(directory, 0o777);
  const port = await freePort('127.0.0.1');
  await writeFile(join(directory, 'nginx.conf'), configuration(directory, port, locations));
  const child = spawn(PROGRAM, ['-p', directory, '-c', 'nginx.conf', '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const failure = once(child, 'error').then(([error]) => String(error));
  const exit = once(child, 'exit').then(([code]) => `it exited with ${code}`);
  whenDone(async () => {
    if (child.pid !== undefined && child.exitCode === null) {
      child.kill('SIGTERM');
      await exit;
    }
    await rm(directory, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  const ready = until('nginx answers', () =>
    fetch(url).then(
      () => true,
      () => false,
    ),
  );
  const why = await Promise.race([ready.then(() => null), failure, exit]);
  if (why !== null) throw new Error(`${PROGRAM} (Debian's nginx-light) does not start: ${why}\n${output}`);
  return url;
}

function configuration(directory: string, port: number, locations: string): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  ${folders.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    ${locations}
  }
}
`;
}
