import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fetchFailure } from './failure.js';
import type { FetchLimits } from './limits.js';
import { Meter } from './meter.js';

/** Who reads them: a user who owns nothing (Debian's and the kernel's nobody). */
const nobody = 65_534;

/**
 * Copies a file of this host that anybody may read. The kernel itself judges that, at the moment of opening and whatever links lead there: a process without any
 * rights reads it.
 */
export async function copyLocal(
  uri: string,
  file: string,
  to: Writable,
  limits: Pick<FetchLimits, 'size' | 'stall'>,
): Promise<void> {
  const child = spawn('/bin/cat', ['--', file], {
    uid: nobody,
    gid: nobody,
    cwd: '/',
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(0, 500);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limits.stall * 1000);
  child.stdout.on('data', () => timer.refresh());
  const meter = new Meter(limits.size, () => fetchFailure(uri, `it has more than ${limits.size} bytes`));
  try {
    await pipeline(child.stdout, meter, to);
    const status = await ended;
    if (status === 0) return;
    const why = said.trim().replace(/^\S*cat: /, '');
    throw fetchFailure(uri, status === null ? `nothing came for ${limits.stall} seconds` : why);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
    await ended.catch(() => {});
  }
}
