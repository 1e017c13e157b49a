import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../bin/berth', import.meta.url));

/** A `berth` command line as a reader would type it in the project's folder. */
export function typed(args: readonly string[]): string {
  return [
    'bin/berth',
    ...args.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)),
  ].join(' ');
}

/**
 * Runs `berth` to its end and resolves to its stdout; `onError` gets what it says on stderr as it comes. It has a process group
 * of its own: Ctrl-C reaches this process alone, which ends the command and then clears up after it.
 */
export function berth(
  args: readonly string[],
  onError: (text: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stop = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', stop, { once: true });
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
      onError(text);
    });
    child.once('error', reject);
    child.once('close', (status) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted === true) reject(new Error('interrupted'));
      else if (status === 0) resolve(output);
      else
        reject(
          new Error(
            `${typed(args)} ended with status ${status}: ${complaint.trim().split('\n').at(0) || 'it said nothing'}`,
          ),
        );
    });
  });
}
