import { portsOf } from '../../containerizer/container/container-record.js';
import type { ContainerDocument } from '../../containerizer/container/document.js';
import type { Attachment, PublishedPort } from '../../containerizer/network/document.js';
import type { RuntimeConfig } from '../../oci-spec/runtime.js';

/** What `berth inspect` tells of a container, as far as it is needed here. */
export interface Told extends Omit<ContainerDocument, 'format' | 'cgroup_places'> {
  state: string;
  pid: number | null;
  started_at: string | null;
  finished_at: string | null;
  exit_code: number | null;
  oom_killed: boolean | null;
  reason: string | null;
  restart_count?: number;
  health?: unknown;
  config: RuntimeConfig | null;
}

/** The same under the names that `docker inspect` has for it: what scripts ask for most. For templates alone: the JSON is berth's own. */
export function dockerContainer(told: Told) {
  const { config, limits } = told;
  return {
    ...told,
    Id: told.id,
    Name: told.name,
    Created: told.created_at,
    Path: told.command[0] ?? '',
    Args: told.command.slice(1),
    Image: told.manifest_digest,
    RestartCount: told.restart_count ?? 0,
    State: stateOf(told),
    Mounts: told.volumes.map(({ name, source, target, readonly }) => ({
      Type: name ? 'volume' : 'bind',
      Name: name ?? '',
      Source: source,
      Destination: target,
      RW: !readonly,
    })),
    Config: {
      Hostname: told.hostname,
      User: told.user,
      Image: told.image,
      Cmd: told.command,
      Env: config?.process?.env ?? [],
      WorkingDir: config?.process?.cwd ?? '',
      Tty: config?.process?.terminal ?? false,
      Labels: told.labels,
      StopSignal: told.stop_signal,
      StopTimeout: told.stop_timeout,
    },
    HostConfig: {
      NetworkMode: told.network,
      IpcMode: told.ipc,
      AutoRemove: told.remove,
      RestartPolicy: {
        Name: told.restart?.name ?? 'no',
        MaximumRetryCount: told.restart?.maximum_retries ?? 0,
      },
      Memory: limits.memory ?? 0,
      NanoCpus: Math.round((limits.cpus ?? 0) * 1e9),
      PidsLimit: limits.pids ?? 0,
    },
    NetworkSettings: networksOf(told),
  };
}

function stateOf(told: Told) {
  const { state, health } = told;
  return {
    Status: state,
    Running: state === 'running' || state === 'paused',
    Paused: state === 'paused',
    Dead: state === 'lost',
    Pid: told.pid ?? 0,
    ExitCode: told.exit_code ?? 0,
    OOMKilled: told.oom_killed ?? false,
    Error: told.reason ?? '',
    StartedAt: told.started_at ?? never,
    FinishedAt: told.finished_at ?? never,
    Health:
      typeof health === 'object' && health !== null && 'status' in health
        ? { ...health, Status: health.status }
        : null,
  };
}

/** Go's zero time. */
const never = '0001-01-01T00:00:00Z';

function networksOf({ network, networks, attachments }: Told) {
  const names = networks.length === 0 ? [network] : networks;
  const ofName = (name: string) => attachments.find((each) => each.network === name);
  return {
    ...addressesOf(attachments[0]),
    Ports: dockerPorts(portsOf({ attachments })),
    Networks: Object.fromEntries(
      names.map((name) => [
        name,
        {
          ...addressesOf(ofName(name)),
          Aliases: ofName(name)?.aliases ?? [],
          GwPriority: ofName(name)?.gateway_priority ?? 0,
        },
      ]),
    ),
  };
}

function addressesOf(attachment: Attachment | undefined) {
  return {
    IPAddress: attachment?.ipv4 ?? '',
    IPPrefixLen: attachment?.prefix4 ?? 0,
    Gateway: attachment?.gateway4 ?? '',
    GlobalIPv6Address: attachment?.ipv6 ?? '',
    IPv6Gateway: attachment?.gateway6 ?? '',
    MacAddress: attachment?.mac ?? '',
  };
}

function dockerPorts(published: readonly PublishedPort[]) {
  const ports: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { host_ip, host_port, container_port, protocol } of published) {
    const key = `${container_port}/${protocol}`;
    ports[key] = [...(ports[key] ?? []), { HostIp: host_ip, HostPort: String(host_port) }];
  }
  return ports;
}
