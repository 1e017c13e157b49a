import { runDemo } from './demo/story.js';

/** `npm start`: shows berth at work on this host, and leaves nothing running. */
const interrupt = new AbortController();
const exitStatus: Record<string, number> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
for (const [signal, status] of Object.entries(exitStatus)) {
  process.on(signal, () => {
    process.exitCode = status;
    interrupt.abort();
  });
}

try {
  await runDemo(interrupt.signal);
} catch (error) {
  const why = interrupt.signal.aborted
    ? 'interrupted'
    : error instanceof Error
      ? error.message
      : String(error);
  process.stderr.write(`\ndemo: ${why}\n`);
  process.exitCode ??= 1;
}
