import path from 'node:path';
import type { Volume } from '../../containerizer/container/options.js';
import { normalPlace, whyNoPlace } from '../../containerizer/volume/place.js';
import type { Volume as MesosVolume, Resource } from '../../mesos/messages.js';
import { hostFolder } from './host-folders.js';
import { agentPlace, type ContainerFacts, sandboxPlace, unfit, type Workload } from './workload.js';

/** The sandbox, what the container names, and the persistent volumes among its resources. */
export function volumesOf(
  { container, resources }: Workload,
  facts: ContainerFacts,
  host: boolean,
): Volume[] {
  return [
    ...(host ? facts.systemMounts().map((folder) => bind(folder, folder, true, false)) : []),
    bind(facts.sandbox, sandboxPlace, false, !host),
    // A folder: the socket in it is another after each restart of the agent.
    ...(facts.agentDoor === undefined ? [] : [bind(facts.agentDoor, agentPlace, true, false)]),
    ...(container?.volumes ?? []).map((volume) => namedVolume(volume, facts, host)),
    ...resources
      .filter(({ disk }) => disk?.persistence !== undefined)
      .map((resource) => persistentVolume(resource, facts, host)),
  ];
}

function namedVolume(volume: MesosVolume, facts: ContainerFacts, host: boolean): Volume {
  const target = placeOf(volume.container_path);
  const readonly = volume.mode === 'RO';
  const { source } = volume;
  if (source === undefined && volume.image === undefined)
    return bind(sourceOf(volume.host_path, volume.container_path, facts), target, readonly, !host);
  switch (source?.type) {
    case 'HOST_PATH':
      return {
        ...bind(sourceOf(source.host_path?.path, volume.container_path, facts), target, readonly, !host),
        ...(source.host_path?.mount_propagation?.mode === 'HOST_TO_CONTAINER' && {
          propagation: 'slave' as const,
        }),
      };
    case 'SANDBOX_PATH':
      if (source.sandbox_path?.type === 'PARENT')
        return bind(inParent(source.sandbox_path.path, facts), target, readonly, !host);
      return bind(inSandbox(source.sandbox_path?.path ?? '', facts), target, readonly, !host);
    default:
      throw unfit(
        `volume ${volume.container_path}`,
        `volumes of ${source === undefined ? 'images' : `type ${source.type ?? 'UNKNOWN'}`} are not supported`,
      );
  }
}

function persistentVolume(resource: Resource, facts: ContainerFacts, host: boolean): Volume {
  const { volume, persistence } = resource.disk ?? {};
  if (volume === undefined) throw unfit(`persistent volume ${persistence?.id ?? ''}`, 'it names no place');
  return bind(facts.persistentVolume(resource), placeOf(volume.container_path), volume.mode === 'RO', !host);
}

/** A path of the host; one that is not absolute, or none, is in the sandbox. */
function sourceOf(given: string | undefined, containerPath: string, facts: ContainerFacts): string {
  if (given?.startsWith('/') === true) return hostFolder(given, facts.hostFolders);
  return inSandbox(given ?? containerPath, facts);
}

function inSandbox(given: string, { sandbox }: ContainerFacts): string {
  const folder = path.join(sandbox, given);
  if (given === '' || !folder.startsWith(`${sandbox}/`) || given.split('/').includes('..'))
    throw unfit(`volume ${given}`, 'it lies outside the sandbox');
  return folder;
}

/** A folder right in the executor's sandbox: no task sees that itself, so none can have put a link there. */
function inParent(name: string, { parentSandbox }: ContainerFacts): string {
  if (parentSandbox === undefined) throw unfit(`volume ${name}`, 'this container has no parent');
  if (/^[^/]+$/.test(name) && name !== '.' && name !== '..') return path.join(parentSandbox, name);
  throw unfit(`volume ${name}`, 'what tasks share is a folder right in the sandbox of their executor');
}

function placeOf(containerPath: string): string {
  const normal = normalPlace(
    containerPath.startsWith('/') ? containerPath : `${sandboxPlace}/${containerPath}`,
  );
  const why = whyNoPlace(normal);
  if (why !== undefined || containerPath.split('/').includes('..'))
    throw unfit(`volume ${containerPath}`, why ?? 'it leads upward');
  return normal;
}

function bind(source: string, target: string, readonly: boolean, idmap: boolean): Volume {
  // Tasks can write on the way to some: what they make a link of since it was looked at is not followed.
  return { source, target, readonly, recursive: false, idmap, plain: true };
}
