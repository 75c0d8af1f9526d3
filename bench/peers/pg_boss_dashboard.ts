import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

// Serves the dashboard of pg-boss, which the bench has installed in the folder DASHBOARDS, as its own command does.
const { DASHBOARDS = '', PORT = '' } = process.env;
const manifest = createRequire(join(DASHBOARDS, 'package.json')).resolve('@pg-boss/dashboard/package.json');
process.chdir(dirname(manifest));
await import(pathToFileURL(join(dirname(manifest), 'build', 'server.js')).href);
const url = `http://127.0.0.1:${PORT}`;
for (;;) {
  const isUp = await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
  if (isUp) break;
  await pause(100);
}
process.send?.(url);
