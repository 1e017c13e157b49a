import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { summarise } from './statistics.js';

export interface Latency {
  name: string;
  /** Milliseconds. */
  times: number[];
}

const asker = fileURLToPath(new URL('./api-asker.js', import.meta.url));

/** Asks an agent's API again and again, how long each answer takes, from the first byte of the question to its last. */
export class ApiAsker {
  private readonly child: ChildProcess;
  private readonly answer: Promise<Latency[]>;

  /** `rounds`: one question of each kind; Infinity: until it is stopped. `sandbox`: whose files are listed too. */
  constructor(url: string, rounds: number, sandbox?: string) {
    const words = [asker, url, String(rounds), ...(sandbox === undefined ? [] : [sandbox])];
    this.child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.answer = this.heard();
    // Whoever never asks for it has failed himself.
    this.answer.catch(() => {});
  }

  /** After the last round. */
  measured(): Promise<Latency[]> {
    return this.answer;
  }

  stop(): Promise<Latency[]> {
    this.child.stdin?.end();
    return this.answer;
  }

  private async heard(): Promise<Latency[]> {
    const parts: Buffer[] = [];
    this.child.stdout?.on('data', (part: Buffer) => parts.push(part));
    const [status] = await once(this.child, 'close');
    if (status !== 0) throw new Error(`who asks the agent's API has ended with ${status}`);
    return JSON.parse(Buffer.concat(parts).toString()) as Latency[];
  }
}

/** The value that so many percent of them do not exceed. */
export function percentile(times: readonly number[], percent: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}

export const middle = (times: readonly number[]): number => summarise([...times]).median;
export const longest = (times: readonly number[]): number => Math.max(...times);
