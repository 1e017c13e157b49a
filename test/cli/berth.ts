import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's top folder. */
export const project = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Starts this Node as a user would, for use with spawn: `[file, ...arguments]`. tap puts a loader of its own into NODE_OPTIONS
 * of every child, whatever its environment; that loader cannot load a module with no extension, and triples the start time.
 */
export const bareNode = ['env', '-u', 'NODE_OPTIONS', process.execPath];
/** The command as a user has it, where this Node is the first in PATH. */
export const berthCommand = [
  ...bareNode.slice(0, -1),
  `PATH=${path.dirname(process.execPath)}:${process.env.PATH}`,
  `${project}bin/berth`,
];

/** Runs `berth` with these arguments, to its end. */
export function berth(
  args: string[],
  environment: NodeJS.ProcessEnv = {},
  input: string | Buffer = '',
): SpawnSyncReturns<string> {
  const [file = '', ...rest] = berthCommand;
  return spawnSync(file, [...rest, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    input,
  });
}
