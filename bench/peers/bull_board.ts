import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import express, { type RequestHandler } from 'express';

// Serves bull-board, which the bench has installed in the folder DASHBOARDS, over the queue of REDIS_PORT.
const { DASHBOARDS = '', REDIS_PORT = '' } = process.env;
const load = createRequire(join(DASHBOARDS, 'package.json'));

type Adapter = { setBasePath(path: string): void; getRouter(): RequestHandler };
const { createBullBoard } = load('@bull-board/api') as {
  createBullBoard(options: { queues: unknown[]; serverAdapter: Adapter }): void;
};
const { BullMQAdapter } = load('@bull-board/api/bullMQAdapter') as {
  BullMQAdapter: new (queue: Queue) => object;
};
const { ExpressAdapter } = load('@bull-board/express') as { ExpressAdapter: new () => Adapter };

const serverAdapter = new ExpressAdapter();
serverAdapter.setBasePath('/board');
const queue = new Queue('noop', { connection: { host: '127.0.0.1', port: Number(REDIS_PORT) } });
createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter });
const app = express().use('/board', serverAdapter.getRouter());
const server = app.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/board`);
});
