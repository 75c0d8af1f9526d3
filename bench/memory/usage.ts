import { readFile } from 'node:fs/promises';

const KB_PER_MB = 1_024;
const BYTES_PER_MB = 1_024 * 1_024;

/** The resident memory of a process, and its used JavaScript heap. */
export type Memory = { residentMb: number; heapMb: number };

/**
 * The memory of a process that answers `/metrics` at `base`. Throws if the process is gone, or does
 * not report its heap.
 */
export async function readMemory({ pid, base }: { pid: number; base: string }): Promise<Memory> {
  // See proc_pid_status(5).
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  const answer = await fetch(`${base}/metrics`);
  const heap = /^nodejs_heap_size_used_bytes (\S+)$/m.exec(await answer.text())?.[1];
  if (resident === undefined || heap === undefined)
    throw new Error(`process ${pid} does not report its memory`);
  return { residentMb: Number(resident) / KB_PER_MB, heapMb: Number(heap) / BYTES_PER_MB };
}
