import http from 'node:http';
import { performance } from 'node:perf_hooks';
import { summarise } from './statistics.js';

/** What is asked of an agent's API, by the name of its row. */
const questions: Record<string, { path: string; call?: object }> = {
  state: { path: '/api/v1', call: { type: 'GET_STATE' } },
  containers: { path: '/api/v1', call: { type: 'GET_CONTAINERS' } },
  statistics: { path: '/monitor/statistics' },
  metrics: { path: '/metrics' },
};

export interface Latency {
  name: string;
  /** Milliseconds. */
  times: number[];
}

/** Asks one after the other, as long as `enough` says, for how long each answer takes from the first byte of the question to its last. `sandbox`: whose files are listed too. */
export async function measureApi(url: string, sandbox: string, rounds: number): Promise<Latency[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const all = {
    ...questions,
    files: { path: '/api/v1', call: { type: 'LIST_FILES', list_files: { path: sandbox } } },
  };
  const found = Object.entries(all).map(([name, question]) => ({ name, question, times: [] as number[] }));
  try {
    for (let round = 0; round < rounds; round++)
      for (const { question, times } of found) {
        const from = performance.now();
        await ask(agent, `${url}${question.path}`, question.call);
        times.push(performance.now() - from);
      }
  } finally {
    agent.destroy();
  }
  return found.map(({ name, times }) => ({ name, times }));
}

function ask(agent: http.Agent, url: string, call: object | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const body = call === undefined ? undefined : JSON.stringify(call);
    const request = http.request(url, {
      agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
      response.on('error', reject).on('end', resolve).resume();
    });
    request.end(body);
  });
}

/** The value that so many percent of them do not exceed. */
export function percentile(times: readonly number[], percent: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}

export const middle = (times: readonly number[]): number => summarise([...times]).median;
export const longest = (times: readonly number[]): number => Math.max(...times);
