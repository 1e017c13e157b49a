// A process of its own that asks an agent's API, as tools do: what its bench does meanwhile, in the same process, would count as the agent's.
import http from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Latency } from './api-latency.js';

/** What is asked of an agent's API, by the name of its row. */
const questions: Record<string, { path: string; call?: object }> = {
  state: { path: '/api/v1', call: { type: 'GET_STATE' } },
  containers: { path: '/api/v1', call: { type: 'GET_CONTAINERS' } },
  statistics: { path: '/monitor/statistics' },
  metrics: { path: '/metrics' },
};

const [, , url = '', rounds = '', sandbox] = process.argv;
let ended = false;
process.stdin.on('end', () => {
  ended = true;
});
process.stdin.resume();
process.stdout.write(JSON.stringify(await askAll(url, Number(rounds), sandbox)));
process.stdin.destroy();

/** One after the other, until there were so many rounds, or standard input has ended. `sandbox`: whose files are listed too. */
async function askAll(url: string, rounds: number, sandbox: string | undefined): Promise<Latency[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const files = { path: '/api/v1', call: { type: 'LIST_FILES', list_files: { path: sandbox } } };
  const all = { ...questions, ...(sandbox !== undefined && { files }) };
  const found = Object.entries(all).map(([name, question]) => ({ name, question, times: [] as number[] }));
  try {
    for (let round = 0; round < rounds && !ended; round++)
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
