import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import path from 'node:path';
import { projectFolder } from '../source-files.js';

/** Boots a guest, runs a command in it and waits for its end; `options` are those of `./dev vm`. */
export function runInGuest(options: string[], command: string[]): SpawnSyncReturns<string> {
  return spawnSync(path.join(projectFolder, 'test/vm/run'), [...options, '--', ...command], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
}
