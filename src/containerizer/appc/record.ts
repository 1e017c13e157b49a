import { identifier, imageId } from '../../appc-spec/names.js';
import { type Digest, digestPattern } from '../../oci-spec/digest.js';
import { list, map, type Of, object, type Shape, text } from '../../oci-spec/shape.js';

const digest = text({ pattern: digestPattern, expected: 'a sha256 digest' }) as Shape<Digest>;

/**
 * What the store knows of an image that came as an ACI, by the digest of the manifest that berth made for it. It is kept beside the image and not in it: an
 * image from elsewhere that says the same of itself is none.
 */
export const appcRecordShape = object(
  {
    image_id: imageId,
    name: identifier,
    labels: map(text()),
    /** The blobs with its own manifest and with the ACI as it came. */
    manifest: digest,
    aci: digest,
    /** The ACIs that it was rendered from beside itself: their blobs are the store's own too. */
    dependencies: list(object({ image_id: imageId, aci: digest }, {})),
  },
  {
    /** The fingerprint of the key that signed the ACI, if that was verified. */
    signed_by: text({ pattern: /^[0-9A-F]{40,64}$/ }),
  },
);

export type AppcRecord = Of<typeof appcRecordShape>;

/** The blobs that such an image needs beside those of its manifest. */
export function blobsBeside(record: AppcRecord | undefined): Digest[] {
  if (record === undefined) return [];
  return [record.manifest, record.aci, ...record.dependencies.map(({ aci }) => aci)];
}

/** A label that is asked for must have that value; others may be there (discovery.md, "Validation"). */
export function fits(
  record: Pick<AppcRecord, 'name' | 'labels'>,
  name: string,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    record.name === name && Object.entries(labels).every(([label, value]) => record.labels[label] === value)
  );
}
