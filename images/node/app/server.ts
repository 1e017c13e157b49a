import { createServer } from 'node:http';
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';

/**
 * A web server that tells how it sees itself, and can keep two threads busy so that there is something to look at. Loopback
 * unless told otherwise.
 */
const host = process.env.HOST ?? '127.0.0.1';
const port = Number(process.env.PORT ?? 8080);
const longestLoadSeconds = 60;

function view(): Record<string, unknown> {
  return {
    pid: process.pid,
    hostname: hostname(),
    uid: process.getuid?.(),
    gid: process.getgid?.(),
    node: process.version,
    cwd: process.cwd(),
    uptime_seconds: process.uptime(),
    memory_rss: process.memoryUsage.rss(),
  };
}

/** Two threads of their own, so that this one goes on answering. */
function keepBusy(seconds: number): Record<string, unknown> {
  const threads = ['compute', 'read-zeros'];
  for (const name of threads)
    new Worker(new URL('./load.js', import.meta.url), { workerData: { name, seconds } });
  return { threads, seconds };
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const answers: Record<string, () => unknown> = {
    '/': view,
    '/busy': () => keepBusy(Math.min(Number(url.searchParams.get('seconds') ?? 5) || 0, longestLoadSeconds)),
  };
  const answer = Object.hasOwn(answers, url.pathname) ? answers[url.pathname] : undefined;
  response.writeHead(answer === undefined ? 404 : 200, {
    'content-type': 'application/json',
    connection: 'close',
  });
  response.end(`${JSON.stringify(answer?.() ?? { error: 'there is / and /busy?seconds=N' })}\n`);
  console.log(`${request.method} ${request.url} ${response.statusCode}`);
});

server.listen(port, host, () => console.log(`listening on http://${host}:${port}`));

// The first process of a container gets no signal that it has no handler for (pid_namespaces(7)).
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    console.log(`${signal}: closing`);
    server.close(() => process.exit(0));
  });
}
