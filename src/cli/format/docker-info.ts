import type { Info } from '../verbs/info.js';

/** The host and its installation, with the names that `docker info` has for them. */
export function dockerInfo(info: Info) {
  const { host, cgroup, storage, versions, containers, images } = info;
  return {
    ...info,
    Name: host.name,
    ID: info.root_hash,
    ServerVersion: versions.berth,
    Containers: containers.total,
    ContainersRunning: containers.running,
    ContainersPaused: containers.paused,
    ContainersStopped: containers.total - containers.running - containers.paused,
    Images: images,
    NCPU: host.cpus,
    MemTotal: host.memory,
    KernelVersion: host.kernel,
    OperatingSystem: host.os ?? '',
    OSType: 'linux',
    Architecture: host.architecture,
    DockerRootDir: storage.root,
    Driver: 'overlay',
    CgroupDriver: cgroup.manager === 'systemd' ? 'systemd' : 'cgroupfs',
    CgroupVersion: cgroup.layout === 'unified' ? '2' : '1',
  };
}
