import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';
import { type CgroupPlaces, cgroupFacts } from './cgroup-places.js';
import type { Peers } from './describe/namespaces.js';
import type { ContainerDocument } from './document.js';
import type { LaunchRequest } from './launch.js';
import { networkFacts, networkOwner } from './network.js';
import { type PlannedVolume, volumesToFill } from './volumes.js';

const logLimits = { max_bytes: 10 * 1024 * 1024, max_files: 3 };

/** `launch.json`: what the native launcher needs besides config.json (docs/reference/launch-json.md). */
export function launchFacts(
  roots: Roots,
  document: ContainerDocument,
  { image, options, timer, client, again, transient }: LaunchRequest,
  cgroup: CgroupPlaces,
  volumes: readonly PlannedVolume[],
  peers: Peers,
) {
  return {
    format: 1,
    id: document.id,
    name: document.name === document.id ? '' : document.name,
    root: roots.root,
    state_directory: places.run(roots, document.id),
    container_directory: places.container(roots, document.id),
    seccomp_directory: places.cache(roots),
    remove: options.remove,
    kept: again !== undefined,
    timings: timer !== undefined,
    input: options.input,
    detach_keys: client?.detachKeys ?? '',
    event: { id: document.id, name: document.name, image: document.image },
    user: options.user ?? image.config.config?.User ?? '',
    groups: options.groups,
    init: options.init,
    ...(options.requireDirectory === true ? { cwd_is_there: true } : {}),
    ...(options.handlers?.before === undefined ? {} : { before: options.handlers.before }),
    ...(options.handlers?.after === undefined ? {} : { after: options.handlers.after }),
    rootfs: {
      base: roots.root,
      layers: image.layers.map((layer) => path.relative(roots.root, layer)),
      ...(image.mounted === undefined || image.mounted.length === 0
        ? {}
        : {
            images: image.mounted.map(({ directory, ...rest }) => ({
              layer: path.relative(roots.root, directory),
              ...rest,
            })),
          }),
      ...(image.tree === undefined ? {} : { tree: image.tree }),
      // What is discarded anyway need not be written to the disk first.
      volatile: (options.remove || transient === true) && again === undefined,
    },
    peers: Object.values(peers).map(({ pid, startTime }) => ({ pid, start_time: startTime })),
    mounts_of_peers:
      typeof options.ipc === 'string'
        ? []
        : [{ target: '/dev/shm', namespace: `/proc/${peers[options.ipc.container]?.pid}/ns/mnt` }],
    volumes: volumesToFill(roots, volumes),
    own_volumes: volumes.filter(({ anonymous }) => anonymous).length,
    cgroup: cgroupFacts(cgroup),
    ...(document.attachments.length === 0 ? {} : networksOf(roots, document)),
    logs: logLimits,
  };
}

function networksOf(roots: Roots, { id, attachments }: ContainerDocument) {
  return {
    networks: attachments.map((each) => networkFacts(each, attachments)),
    ports_owner: networkOwner(roots, id),
  };
}
