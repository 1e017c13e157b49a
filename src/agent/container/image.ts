import type { PullPolicy } from '../../containerizer/image/provide.js';
import { parseReference } from '../../containerizer/image/reference.js';
import type { ContainerInfo, Image } from '../../mesos/messages.js';
import { unfit } from './workload.js';

export interface WantedImage {
  /** As the containerizer takes it. */
  reference: string;
  pull: PullPolicy;
}

/** Refuses files of this host where the agent is not to take any: a `dir:` could be the host's own, with nothing hidden. */
export function admit({ reference }: WantedImage, localImages: boolean): void {
  const { kind } = parseReference(reference);
  if (localImages || kind === 'stored' || kind === 'appc') return;
  throw unfit(
    `image ${reference}`,
    'it is a file of this host, and this agent takes names of images only',
    'Load it under a name (berth image load), or set local_images in the configuration of the agent.',
  );
}

/** The image of a container; undefined: none, the host's own files. */
export function imageOf(container: ContainerInfo | undefined): WantedImage | undefined {
  if (container === undefined) return undefined;
  if (container.type === 'DOCKER') {
    const { docker } = container;
    if (docker === undefined || docker.image === '')
      throw unfit('container', "it is of type DOCKER and has no 'docker.image'");
    return { reference: docker.image, pull: docker.force_pull_image === true ? 'always' : 'missing' };
  }
  const image = container.mesos?.image;
  if (image === undefined) return undefined;
  return { reference: referenceOf(image), pull: image.cached === false ? 'always' : 'missing' };
}

export function referenceOf({ type, docker, appc }: Image): string {
  if (type === 'DOCKER' && docker !== undefined && docker.name !== '') return docker.name;
  if (type === 'APPC' && appc !== undefined && appc.name !== '') {
    const version = appc.labels?.labels?.find(({ key }) => key === 'version')?.value;
    return `appc:${appc.name}${version === undefined ? '' : `:${version}`}`;
  }
  throw unfit('image', `it is of type ${type} and has no name`);
}
