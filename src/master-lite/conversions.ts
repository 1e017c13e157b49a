import type { OfferOperation, Resource } from '../mesos/messages.js';
import { reservationsOf } from '../mesos/resources/identity.js';
import { Resources } from '../mesos/resources/resources.js';
import { invalidResources } from '../mesos/resources/validate.js';

/** What an operation takes, and what it makes of that. */
export interface Conversion {
  consumed: Resources;
  made: Resources;
}

/** What a reservation or an operation on volumes does to resources; a text: why it cannot be done. */
export function conversionOf(operation: OfferOperation): Conversion | string {
  switch (operation.type) {
    case 'RESERVE':
      return reserve(operation.reserve?.resources, operation.reserve?.source);
    case 'UNRESERVE': {
      const back = reserve(operation.unreserve?.resources, undefined);
      return typeof back === 'string' ? back : { consumed: back.made, made: back.consumed };
    }
    case 'CREATE':
      return create(operation.create?.volumes);
    case 'DESTROY': {
      const back = create(operation.destroy?.volumes);
      return typeof back === 'string' ? back : { consumed: back.made, made: back.consumed };
    }
    case 'GROW_VOLUME': {
      const grow = operation.grow_volume;
      if (grow === undefined) return "Expecting 'grow_volume' to be present";
      return changed(grow.volume, grow.addition.scalar?.value ?? 0, 1);
    }
    case 'SHRINK_VOLUME': {
      const shrink = operation.shrink_volume;
      if (shrink === undefined) return "Expecting 'shrink_volume' to be present";
      return changed(shrink.volume, shrink.subtract.value, -1);
    }
    case 'CREATE_DISK':
      return diskRefusal(operation.create_disk?.source);
    case 'DESTROY_DISK':
      return diskRefusal(operation.destroy_disk?.source);
    default:
      return `Operation ${operation.type ?? 'UNKNOWN'} is not supported`;
  }
}

/** Only disks of a resource provider, in front of a storage system, can be made and destroyed. No agent has one: what the reference says of its agents without one is said here. */
function diskRefusal(source: Resource | undefined): string {
  if (source === undefined) return "Expecting 'source' to be present";
  const why = invalidResources([source]);
  if (why !== undefined) return `Invalid resource: ${why}`;
  const provider = source.provider_id?.value;
  return provider === undefined
    ? "'source' is not managed by a resource provider"
    : `'source' is of resource provider '${provider}', which no agent has`;
}

function reserve(list: Resource[] = [], source: Resource[] | undefined): Conversion | string {
  if (list.length === 0) return 'No resources specified';
  const why = invalidResources([...list, ...(source ?? [])]);
  if (why !== undefined) return why;
  const dynamic = list.every((resource) => reservationsOf(resource).at(-1)?.type === 'DYNAMIC');
  if (!dynamic) return 'Resources must be dynamically reserved';
  if (list.some((resource) => resource.disk?.persistence !== undefined))
    return 'A persistent volume can neither be reserved nor unreserved';
  const from = source !== undefined && source.length > 0 ? source : list.map(unreservedOnce);
  if (!Resources.of(list.map(bare)).equals(Resources.of(from.map(bare))))
    return 'A reservation changes nothing of its source but for whom it is reserved';
  return { made: Resources.of(list), consumed: Resources.of(from) };
}

/** Reserved for nobody, and allocated to nobody. */
function bare(resource: Resource): Resource {
  const { role: _, reservation: __, reservations: ___, allocation_info: ____, ...rest } = resource;
  return rest;
}

/** The same without the innermost reservation. */
function unreservedOnce(resource: Resource): Resource {
  const { role: _, reservation: __, ...rest } = resource;
  return { ...rest, reservations: reservationsOf(resource).slice(0, -1) };
}

function create(list: Resource[] = []): Conversion | string {
  if (list.length === 0) return 'No volumes specified';
  const why = invalidResources(list);
  if (why !== undefined) return why;
  for (const volume of list) {
    const { disk } = volume;
    if (disk?.persistence === undefined) return "'persistence' is not set in a volume";
    if (/[/\\\s]|^\.{0,2}$/.test(disk.persistence.id))
      return `Persistence ID '${disk.persistence.id}' is invalid`;
    if (disk.volume === undefined) return "Expecting 'volume' to be set for a persistent volume";
    if (disk.volume.mode === 'RO') return 'Read-only persistent volumes are not supported';
    if (disk.volume.host_path !== undefined) return "'volume.host_path' should not be set";
    if (reservationsOf(volume).length === 0)
      return 'Persistent volumes cannot be created from unreserved resources';
  }
  return { made: Resources.of(list), consumed: Resources.of(list.map(withoutVolume)) };
}

/** The disk that a volume is made of. */
function withoutVolume(volume: Resource): Resource {
  const { disk, shared: _, ...rest } = volume;
  return { ...rest, ...(disk?.source !== undefined && { disk: { source: disk.source } }) };
}

function changed(volume: Resource, by: number, sign: 1 | -1): Conversion | string {
  return by > 0 ? resize(volume, sign * by) : 'A volume must change its size, and keep some';
}

function resize(volume: Resource, by: number): Conversion | string {
  const made = create([volume]);
  if (typeof made === 'string') return made;
  if (volume.shared !== undefined) return 'Resizing a shared volume is not supported';
  const [before, change] = [volume.scalar?.value ?? 0, by].map((each) => Math.round(each * 1000));
  const size = ((before ?? 0) + (change ?? 0)) / 1000;
  if (!change || !(size > 0)) return 'A volume must change its size, and keep some';
  const resized = Resources.of([{ ...volume, scalar: { value: size } }]);
  const difference = Resources.of([{ ...withoutVolume(volume), scalar: { value: Math.abs(by) } }]);
  const old = Resources.of([volume]);
  return by > 0
    ? { consumed: old.add(difference), made: resized }
    : { consumed: old, made: resized.add(difference) };
}
