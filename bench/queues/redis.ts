import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../embedded/ports.ts';
import { noted } from '../process.ts';

const READY_WITHIN_MS = 10_000;

/** Whether redis-server is installed on this machine. */
export async function hasRedis(): Promise<boolean> {
  const child = spawn('redis-server', ['--version'], { stdio: 'ignore' });
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

/** Starts a Redis on a free port that keeps everything in memory. Throws if it does not answer. */
export async function startRedis(): Promise<{ port: number; pid: number; stop(): Promise<void> }> {
  const port = await freePort('127.0.0.1');
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = noted(spawn('redis-server', flags, { stdio: 'ignore' }));
  const exited = once(child, 'exit');
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => {});
  const late = pause(READY_WITHIN_MS).then(() =>
    Promise.reject(new Error(`redis-server did not answer within ${READY_WITHIN_MS} ms`)),
  );
  try {
    await Promise.race([client.ping(), late]);
  } finally {
    late.catch(() => {});
    client.disconnect();
  }
  return {
    port,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
