import type { AppImage } from './app-image.js';
import type { StatedPod } from './read-manifest.js';

/** One thing that the metadata service answers with: its path, its media type, itself (ace.md, "App Container Metadata Service"). */
export interface MetadataDocument {
  path: string;
  type: string;
  body: Buffer;
}

const json = 'application/json';
const plain = 'text/plain; charset=us-ascii';

interface Annotation {
  name: string;
  value: string;
}

/** All that a pod may ask of itself. `reified`: its manifest with all that was left open filled in. */
export function metadataDocuments(
  uuid: string,
  { manifest }: Pick<StatedPod, 'manifest'>,
  reified: object,
  images: readonly AppImage[],
): MetadataDocument[] {
  const told = (path: string, value: unknown) => ({
    path,
    type: json,
    body: Buffer.from(JSON.stringify(value)),
  });
  return [
    told('/pod/manifest', reified),
    told('/pod/annotations', manifest.annotations ?? []),
    { path: '/pod/uuid', type: plain, body: Buffer.from(uuid) },
    ...manifest.apps.flatMap(({ name, annotations = [] }, i) => {
      const image = images[i];
      if (image === undefined) throw new RangeError('every app has an image');
      return [
        told(`/apps/${name}/annotations`, merged(image.manifest.annotations ?? [], annotations)),
        { path: `/apps/${name}/image/manifest`, type: json, body: image.original },
        { path: `/apps/${name}/image/id`, type: plain, body: Buffer.from(image.imageId) },
      ];
    }),
  ];
}

/** Those of the pod go before those of the image, in whose place they stand. */
function merged(images: readonly Annotation[], pods: readonly Annotation[]): Annotation[] {
  const all = new Map(images.map(({ name, value }) => [name, value]));
  for (const { name, value } of pods) all.set(name, value);
  return [...all].map(([name, value]) => ({ name, value }));
}

/** As berth-metadata reads them (native/metadata/documents.h). */
export function encodePod(uuid: string, token: string, documents: readonly MetadataDocument[]): Buffer {
  const parts = documents.flatMap(({ path, type, body }) => [
    Buffer.from(`${path} ${body.length} ${type}\n`),
    body,
  ]);
  const all = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(`pod ${uuid} ${token} ${all.length}\n`), all]);
}
