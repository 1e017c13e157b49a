import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

/** A thread that is busy for some seconds, by its name: in its own code, or in system calls. */
const { name, seconds } = workerData as { name: string; seconds: number };

// The name that the kernel, and so `berth ps --threads`, has of this thread (proc(5), /proc/PID/task/TID/comm).
writeFileSync('/proc/thread-self/comm', name);

const end = Date.now() + seconds * 1000;
if (name === 'compute') compute();
else readZeros();

function compute(): void {
  let block = Buffer.alloc(64 * 1024);
  while (Date.now() < end)
    block = Buffer.concat([block.subarray(32), createHash('sha256').update(block).digest()]);
}

function readZeros(): void {
  const zero = openSync('/dev/zero', 'r');
  const buffer = Buffer.alloc(64 * 1024);
  while (Date.now() < end) readSync(zero, buffer);
  closeSync(zero);
}
