import { RecipeMaker } from '../containerizer/container/recipe.js';
import type { Roots } from '../state/roots.js';
import type { Joined } from './run-flags/join.js';

/**
 * Flags that mean what their words say, whatever files, the environment, the current folder, other containers or the host have to say: by their names in camel
 * case. native/front/run.cc takes no others.
 */
const plain = new Set([
  ...[
    'root',
    'state',
    'json',
    'rm',
    'quiet',
    'detach',
    'interactive',
    'tty',
    'env',
    'workdir',
    'user',
    'entrypoint',
  ],
  ...[
    'hostname',
    'domainname',
    'label',
    'annotation',
    'init',
    'ulimit',
    'stopSignal',
    'stopTimeout',
    'umask',
  ],
  ...['groupAdd', 'shmSize', 'readOnly', 'memory', 'memorySwap', 'memoryReservation', 'cpus', 'cpuShares'],
  ...['pidsLimit', 'capAdd', 'capDrop', 'network', 'oomScoreAdj', 'sysctl'],
]);

/** What each command line has, said or not. */
const defaults: Record<string, unknown> = {
  pull: 'missing',
  sigProxy: true,
  detachKeys: '1011',
  healthcheck: true,
};

/** Undefined: what this command line comes to must be found out anew each time. */
export function recipeMaker(
  roots: Roots,
  flags: Record<string, unknown>,
  argv: readonly string[],
  reference: string | undefined,
): RecipeMaker | undefined {
  const isPlain = Object.entries(flags).every(([name, value]) =>
    name in defaults ? value === defaults[name] : plain.has(name),
  );
  if (!isPlain || reference === undefined) return undefined;
  const networks = (flags['network'] ?? []) as Joined[];
  if (!networks.every((each) => 'network' in each && each.network === 'none')) return undefined;
  // NAME alone takes its value from the environment.
  const variables = ((flags['env'] ?? []) as string[][]).flat();
  if (variables.some((variable) => !argv.some((word) => word.endsWith(variable)))) return undefined;
  return RecipeMaker.start(roots, reference);
}

/** The words of a command line up to the image, which are the same whatever the command is. */
export function wordsBefore(argv: readonly string[], command: readonly string[]): string[] {
  return argv.slice(0, argv.length - command.length);
}
