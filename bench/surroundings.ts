import { spawnSync } from 'node:child_process';
import os from 'node:os';
import { version } from '../src/version.js';
import type { BenchDocument } from './row.js';

/** What figures depend on, taken before the first of them. */
export function describeHost(): BenchDocument['details']['host'] {
  const processors = os.cpus();
  return {
    kernel: os.release(),
    cpus: processors.length,
    cpu_model: processors[0]?.model.trim() ?? 'unknown',
    node: process.version,
    load_average: os.loadavg()[0] ?? 0,
  };
}

/** The first line of each program's --version; what is not there is left out. */
export function peerVersions(): Record<string, string> {
  const versions: Record<string, string> = { berth: version };
  for (const name of ['crun', 'runc', 'podman', 'conmon']) {
    const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    if (status === 0) versions[name] = (stdout.split('\n')[0] ?? '').replace(/^.*version:? /, '');
  }
  return versions;
}
