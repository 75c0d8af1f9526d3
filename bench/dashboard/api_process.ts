import { setTimeout as pause } from 'node:timers/promises';

// An API process as `npm run api` starts it, which says when it is ready.
await import('../../api/main.ts');
const url = `http://127.0.0.1:${process.env.SERVER_PORT}`;
const isReady = (): Promise<boolean> =>
  fetch(`${url}/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
while (!(await isReady())) await pause(50);
process.send?.(url);
