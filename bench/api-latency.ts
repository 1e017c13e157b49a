import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { summarise } from './statistics.js';

export interface Latency {
  name: string;
  /** Milliseconds. */
  times: number[];
}

const asker = fileURLToPath(new URL('./api-asker.js', import.meta.url));

/** How long each answer takes, from the first byte of the question to its last, asked so many times one after the other. `sandbox`: whose files are listed too. */
export async function measureApi(url: string, sandbox: string, rounds: number): Promise<Latency[]> {
  const words = [asker, url, sandbox, String(rounds)];
  const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 1 << 26 });
  return JSON.parse(stdout) as Latency[];
}

/** The value that so many percent of them do not exceed. */
export function percentile(times: readonly number[], percent: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}

export const middle = (times: readonly number[]): number => summarise([...times]).median;
export const longest = (times: readonly number[]): number => Math.max(...times);
