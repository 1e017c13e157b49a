import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import path from 'node:path';
import { projectFolder } from '../source-files.js';

/** Boots a guest, runs a command in it and waits for its end; `options` are those of `./dev vm`. */
export function runInGuest(options: string[], command: string[]): SpawnSyncReturns<string> {
  return spawnSync(path.join(projectFolder, 'test/vm/run'), [...options, '--', ...command], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
}

/** The image of a host with berth on it (images/host), which the guests' kernel can boot. */
export function hostImage(): string {
  const kernel = printed('test/vm/kernel', process.env.BERTH_VM_CACHE ?? '/var/cache/berth-test/vm');
  return printed('dev', 'host-image', '--modules', path.join(kernel, 'modules'));
}

/** The path that a script of the project prints. */
function printed(script: string, ...args: string[]): string {
  return execFileSync(path.join(projectFolder, script), args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

/** Runs a script of test/vm/host in a guest that is booted from `image`; gives the status, and what it has told: lines of a name, a tab and a value. */
export function askHost(
  image: string,
  options: string[],
  script: string[],
  environment: string[] = [],
): { status: number | null; stderr: string; found: Record<string, string> } {
  // Not the environment that the test has from its runner.
  const clean = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...environment];
  const { status, stderr, stdout } = runInGuest(
    ['--image', image, ...options],
    [...clean, 'bash', ...script],
  );
  const lines = stdout.split('\n').map((line): [string, string] => {
    const [name = '', value = ''] = line.split('\t', 2);
    return [name, value];
  });
  return { status, stderr, found: Object.fromEntries(lines) };
}
