import { BerthError } from '../../errors/berth-error.js';
import type { RuntimeConfig, RuntimeMount, RuntimeResources } from '../../oci-spec/runtime.js';
import type { Roots } from '../../state/roots.js';
import { containerIds } from '../host/id-range.js';
import type { Attachment } from '../network/document.js';
import { type CgroupPlaces, cgroupAccounts } from './cgroup-places.js';
import { describeConfig } from './describe/config.js';
import type { Peers } from './describe/namespaces.js';
import { limitsOf } from './describe/resources.js';
import type { ContainerDocument } from './document.js';
import { hostFacts } from './host-facts.js';
import type { LaunchImage, LaunchRequest } from './launch.js';
import { launchFacts } from './launch-facts.js';
import { networkSettings, wishesOf } from './network.js';
import type { ContainerOptions } from './options.js';
import { signalNumber } from './signals.js';
import type { PlannedVolume } from './volumes.js';

/** What a launch has found out, chosen and claimed before it describes its container. */
export interface LaunchFindings {
  id: string;
  name: string;
  /** RFC 3339. */
  createdAt: string;
  /** Of its own ids on the host; null: it has the host's. */
  firstId: number | null;
  cgroup: CgroupPlaces;
  resources: RuntimeResources;
  attachments: Attachment[];
  /** Mounts by which names resolve. */
  nameService: RuntimeMount[];
  volumes: readonly PlannedVolume[];
  peers: Peers;
}

/** All that is kept of a container that runs: config.json, container.json and launch.json. */
export interface LaunchDocuments {
  config: RuntimeConfig;
  document: ContainerDocument;
  facts: ReturnType<typeof launchFacts>;
}

export function describeLaunch(
  roots: Roots,
  request: LaunchRequest,
  findings: LaunchFindings,
): LaunchDocuments {
  const { image, options, client } = request;
  const { id, name, createdAt, firstId, cgroup, resources, attachments, nameService, volumes, peers } =
    findings;
  const config = describeConfig({
    id,
    options,
    image: image.config,
    idRange: firstId === null ? null : { first: firstId, size: containerIds.size },
    cgroup,
    resources,
    nameService,
    networkSettings: networkSettings(attachments, options.userns),
    volumes: [...volumes],
    peers,
    ...hostFacts(options, firstId !== null),
    ...(client?.size === undefined ? {} : { consoleSize: client.size }),
  });
  const command = config.process.args;
  const document = documentOf(
    ...([id, name, createdAt, request, command, resources, firstId, cgroup, attachments, volumes] as const),
  );
  return { config, document, facts: launchFacts(roots, document, request, cgroup, volumes, peers) };
}

export function documentOf(
  id: string,
  name: string,
  createdAt: string,
  { image, options }: Pick<LaunchRequest, 'image' | 'options'>,
  command: string[],
  resources: RuntimeResources,
  firstId: number | null,
  cgroup: CgroupPlaces,
  attachments: Attachment[],
  volumes: readonly PlannedVolume[],
): ContainerDocument {
  return {
    format: 1,
    id,
    name,
    image: image.reference,
    manifest_digest: image.manifestDigest,
    command,
    created_at: createdAt,
    remove: options.remove,
    ...(options.restart === undefined ? {} : { restart: options.restart }),
    ...(options.healthcheck === undefined ? {} : { healthcheck: options.healthcheck }),
    network: typeof options.network === 'string' ? options.network : `container:${options.network.container}`,
    networks: wishesOf(options).map((wish) => wish.network),
    attachments,
    hostname: options.hostname ?? id,
    user: options.user ?? (image.config.config?.User || '0'),
    first_id: firstId,
    stop_signal: stopSignal(options, image),
    stop_timeout: options.stopTimeout ?? null,
    labels: { ...image.config.config?.Labels, ...options.labels },
    ...(options.pod === undefined ? {} : { pod: options.pod }),
    ipc: typeof options.ipc === 'string' ? options.ipc : `container:${options.ipc.container}`,
    limits: limitsOf(resources),
    volumes: volumes.map(({ source, target, readonly, name: volume, recursive, idmap }) => ({
      ...{ source, target, readonly, name: volume, recursive, idmap },
    })),
    cgroup: cgroupAccounts(cgroup),
    cgroup_places: cgroup,
  };
}

/** The caller's, else the image's; one that this machine does not have is told now, not when somebody wants the container to stop. */
function stopSignal({ stopSignal: own }: ContainerOptions, image: LaunchImage): string {
  const signal = own ?? (image.config.config?.StopSignal || 'SIGTERM');
  if (signalNumber(signal) !== undefined) return signal;
  throw new BerthError('IMAGE_INVALID', {
    what: `image ${image.reference}`,
    why: `its stop signal ${signal} does not exist`,
    mend: 'Give another: --stop-signal SIGTERM.',
  });
}
