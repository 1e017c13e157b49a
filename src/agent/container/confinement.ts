import type { ContainerOptions } from '../../containerizer/container/options.js';
import type { ContainerInfo, LinuxInfo } from '../../mesos/messages.js';
import { unfit } from './workload.js';

type Confinement = Pick<
  ContainerOptions,
  'capAdd' | 'capDrop' | 'privileged' | 'ulimits' | 'terminal' | 'input' | 'ipc'
> &
  Partial<Pick<ContainerOptions, 'seccomp' | 'shmSize' | 'hostname'>>;

/** What `linux_info`, `rlimit_info`, `tty_info` and `docker` say of what a container may do. */
export function confinementOf(
  container: ContainerInfo | undefined,
  inGroup: boolean,
  mayBePrivileged: boolean,
): Confinement {
  const { linux_info = {}, rlimit_info, tty_info, docker, hostname } = container ?? {};
  if (linux_info.share_pid_namespace === true && !inGroup)
    throw unfit('linux_info.share_pid_namespace', 'the processes of the host are not shown to tasks');
  if (docker?.privileged === true && !mayBePrivileged)
    throw unfit(
      'docker.privileged',
      'this agent runs no privileged containers',
      'Set privileged in the configuration of the agent.',
    );
  const terminal = tty_info !== undefined;
  return {
    ...capabilities(linux_info),
    ...seccomp(linux_info),
    ...(linux_info.shm_size !== undefined && { shmSize: linux_info.shm_size * 1024 * 1024 }),
    ...(hostname !== undefined && hostname !== '' && { hostname }),
    // Whether it is the host's that a container shares is not the container's to say.
    ipc: 'private',
    privileged: docker?.privileged === true,
    terminal,
    input: terminal,
    ulimits: (rlimit_info?.rlimits ?? []).map(({ type, soft, hard }) => ({
      name: (type ?? '').replace(/^RLMT_/, '').toLowerCase(),
      soft: soft ?? null,
      hard: hard ?? null,
    })),
  };
}

function capabilities(info: LinuxInfo): Pick<ContainerOptions, 'capAdd' | 'capDrop'> {
  const given = info.effective_capabilities ?? info.capability_info ?? info.bounding_capabilities;
  if (given === undefined) return { capAdd: [], capDrop: [] };
  return { capAdd: [...(given.capabilities ?? [])], capDrop: ['ALL'] };
}

function seccomp({ seccomp: info }: LinuxInfo): Partial<Pick<ContainerOptions, 'seccomp'>> {
  if (info?.unconfined === true) return { seccomp: 'unconfined' };
  if (info?.profile_name) throw unfit(`seccomp profile ${info.profile_name}`, 'profiles have no names here');
  return {};
}
