import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native, supervisorProgram } from '../../native/index.js';
import type { RuntimeConfig } from '../../oci-spec/runtime.js';
import { readJson } from '../../state/json-file.js';
import { places, type Roots } from '../../state/roots.js';
import type { Container } from './catalogue.js';
import { capabilitySet } from './describe/capabilities.js';
import { mergeVariables } from './describe/process.js';
import { defaultSeccomp } from './describe/seccomp.js';
import { explainFailure, explainRefusal } from './launch-error.js';
import { descriptors, followProgram, type LaunchClient, type RunningProgram } from './program.js';
import { supervisorLost } from './supervisor-lost.js';

/** What is to run in a container beside its first process. What is left out is as it is for that one. */
export interface ExecOptions {
  command: string[];
  /** `NAME=VALUE`, on top of the container's own. */
  env: string[];
  workingDirectory?: string;
  user?: string;
  terminal: boolean;
  input: boolean;
  /** With every capability in the container's user namespace, and the system calls that go with them. */
  privileged: boolean;
}

/**
 * Sends one more program into a container: into its namespaces and cgroups, as its user, with its limits and filter. It goes on when this process dies, with nobody
 * to hear it, and ends with the container at the latest.
 */
export async function execInContainer(
  roots: Roots,
  container: Container,
  { options, client }: { options: ExecOptions; client: LaunchClient | null },
): Promise<RunningProgram> {
  const { document, process: supervised } = container;
  if (container.state !== 'running' || supervised === undefined) throw notRunning(document.name);
  if (container.paused) {
    throw new BerthError('CONTAINER_STATE', {
      what: `container ${document.name}`,
      why: 'it is paused',
      mend: `Let it go on first: berth unpause ${document.name}.`,
    });
  }
  const folder = places.run(roots, document.id);
  const config = readJson(path.join(folder, 'config.json')) as RuntimeConfig;
  const facts = readJson(path.join(folder, 'launch.json')) as Record<string, unknown>;
  const launched = await native()
    .exec({
      config: JSON.stringify(describeExec(config, options, client?.size)),
      launch: JSON.stringify({
        ...facts,
        timings: false,
        init: false,
        input: options.input,
        detach_keys: client?.detachKeys ?? '',
        ...(options.user === undefined ? {} : { user: options.user }),
      }),
      supervisor: supervisorProgram,
      pid: supervised.task.pid,
      startTime: supervised.task.start_time,
      ...descriptors(client),
    })
    .catch((error: unknown) => {
      if (isNativeError(error) && error.code === 'ESRCH') throw notRunning(document.name);
      throw explainRefusal(error, `container ${document.name}`);
    });
  const followed = await followProgram(launched, {
    ...(client?.tell === undefined ? {} : { tell: client.tell }),
    lost: supervisorLost,
  });
  if (followed.kind === 'runs') return followed.program;
  if (followed.kind === 'silent') {
    throw new BerthError('LAUNCH_FAILED', {
      what: `exec in container ${document.name}`,
      why: 'its supervisor ended without a word',
    });
  }
  const { step, errno } = followed.failure;
  if ((step === 'join' && errno === ESRCH) || (step === 'cgroup' && (errno === ENOENT || errno === ENODEV)))
    throw notRunning(document.name);
  throw explainFailure(followed.failure, document.image);
}

const ENOENT = 2;
const ESRCH = 3;
const ENODEV = 19;

function notRunning(name: string): BerthError {
  return new BerthError('CONTAINER_STATE', {
    what: `container ${name}`,
    why: 'it is not running',
    mend: 'See berth ps -a.',
  });
}

/** The container's own document with another process. */
function describeExec(
  config: RuntimeConfig,
  options: ExecOptions,
  consoleSize: LaunchClient['size'],
): RuntimeConfig {
  const own = config.process;
  const { consoleSize: _size, ...kept } = own;
  const terminal = options.terminal ? ['TERM=xterm'] : [];
  const process = {
    ...kept,
    args: options.command,
    env: mergeVariables([...terminal, ...own.env, ...options.env]),
    cwd: options.workingDirectory ?? own.cwd,
    terminal: options.terminal,
    ...(consoleSize === undefined ? {} : { consoleSize }),
  };
  if (!options.privileged) return { ...config, process };
  const all = capabilitySet(['ALL'], []);
  return {
    ...config,
    process: {
      ...process,
      capabilities: { bounding: all, effective: all, permitted: all, inheritable: [], ambient: [] },
    },
    linux: {
      ...config.linux,
      ...(config.linux.seccomp === undefined ? {} : { seccomp: defaultSeccomp(all) }),
    },
  };
}
