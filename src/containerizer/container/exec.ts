import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native, supervisorProgram } from '../../native/index.js';
import type { RuntimeConfig } from '../../oci-spec/runtime.js';
import { damaged } from '../../state/json-file.js';
import { places, type Roots } from '../../state/roots.js';
import type { Container } from './catalogue.js';
import { capabilitySet } from './describe/capabilities.js';
import { defaultSeccomp } from './describe/seccomp.js';
import type { ContainerDocument } from './document.js';
import { explainFailure, explainRefusal } from './launch-error.js';
import type { LaunchFailure } from './leash.js';
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
      why: 'it is paused, and so would be whatever is sent into it',
      mend: `Let it go on first: berth unpause ${document.name}.`,
    });
  }
  const folder = places.run(roots, document.id);
  const config = textOf(folder, 'config.json');
  const launching = native()
    .exec({
      config: options.privileged
        ? JSON.stringify(withPrivileges(JSON.parse(config) as RuntimeConfig))
        : config,
      launch: textOf(folder, 'launch.json'),
      change: {
        args: options.command,
        env: options.env,
        user: options.user,
        cwd: options.workingDirectory,
        terminal: options.terminal,
        rows: client?.size?.height ?? 0,
        columns: client?.size?.width ?? 0,
        input: options.input,
        detachKeys: client?.detachKeys ?? '',
      },
      supervisor: supervisorProgram,
      pid: supervised.task.pid,
      startTime: supervised.task.start_time,
      ...descriptors(client),
    })
    .catch((error: unknown) => {
      if (isNativeError(error) && error.code === 'ESRCH') throw notRunning(document.name);
      throw explainRefusal(error, `container ${document.name}`);
    });
  const followed = await followProgram(launching, {
    ...(client?.tell === undefined ? {} : { tell: client.tell }),
    lost: supervisorLost,
  });
  if (followed.kind === 'runs') return followed.program;
  throw execFailure(document, followed.kind === 'silent' ? undefined : followed.failure);
}

/** Why a program could not be sent in; undefined: its supervisor was killed. */
export function execFailure(
  { name, image }: Pick<ContainerDocument, 'name' | 'image'>,
  failure: LaunchFailure | undefined,
): BerthError {
  if (failure === undefined) {
    return new BerthError('LAUNCH_FAILED', {
      what: `exec in container ${name}`,
      why: 'its supervisor ended without a word',
    });
  }
  const { step, errno } = failure;
  if ((step === 'join' && errno === ESRCH) || (step === 'cgroup' && (errno === ENOENT || errno === ENODEV)))
    return notRunning(name);
  return explainFailure(failure, image);
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

function textOf(folder: string, name: string): string {
  const file = path.join(folder, name);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw damaged(file, 'it is missing', error);
    throw error;
  }
}

/** With every capability in the container's user namespace, and the system calls that go with them. */
function withPrivileges(config: RuntimeConfig): RuntimeConfig {
  const all = capabilitySet(['ALL'], []);
  return {
    ...config,
    process: {
      ...config.process,
      capabilities: { bounding: all, effective: all, permitted: all, inheritable: [], ambient: [] },
    },
    linux: {
      ...config.linux,
      ...(config.linux.seccomp === undefined ? {} : { seccomp: defaultSeccomp(all) }),
    },
  };
}
