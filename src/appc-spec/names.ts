import { integer, type Shape, ShapeError, text } from '../oci-spec/shape.js';

/** types.md, "AC Identifier Type": names of images, labels, annotations and isolators. */
export const identifierPattern = /^[a-z0-9]+([-._~/][a-z0-9]+)*$/;
export const identifier = text({
  pattern: identifierPattern,
  expected: 'an AC Identifier',
  most: 512,
});

/** types.md, "AC Name Type": names of apps, mount points, ports and volumes. */
export const acName = text({ pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/, expected: 'an AC Name', most: 512 });

/** types.md, "Image ID Type": SHA-512 of the uncompressed archive. */
export type ImageId = `sha512-${string}`;
export const imageIdPattern = /^sha512-[0-9a-f]{128}$/;
export const imageId = text({
  pattern: imageIdPattern,
  expected: 'an image id (sha512- and 128 hexadecimal digits)',
}) as Shape<ImageId>;

// semver.org 2.0.0, the grammar as one expression.
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** types.md, "AC Version Type". What berth knows is 0.8.11; all of a major version is compatible. */
export const acVersion: Shape<string> = (value, at) => {
  const version = text({ pattern: semver, expected: 'a version as semver.org has it', most: 256 })(value, at);
  if (version.startsWith('0.')) return version;
  throw new ShapeError(at, 'a version of the specification that is known here (0.8.11)');
};

/** A whole absolute path, as it is. */
export const absolutePath = text({ pattern: /^\//, expected: 'an absolute path', most: 4096 });

/** Named things of which each may be there once. */
export function unique<T>(of: Shape<T[]>, key: (item: T) => string): Shape<T[]> {
  return (value, at) => {
    const items = of(value, at);
    const seen = new Set<string>();
    for (const [i, item] of items.entries()) {
      const name = key(item);
      if (seen.has(name)) throw new ShapeError(`${at}[${i}]`, `the only one called ${JSON.stringify(name)}`);
      seen.add(name);
    }
    return items;
  };
}

/** With one more condition. */
export function refined<T>(of: Shape<T>, holds: (value: T) => boolean, expected: string): Shape<T> {
  return (value, at) => {
    const found = of(value, at);
    if (!holds(found)) throw new ShapeError(at, expected);
    return found;
  };
}

export const somePath = text({ pattern: /./, expected: 'a path', most: 4096 });
/** A user's or a group's: all ones means nobody's (chown(2)). */
export const processId = integer(0, 0xfffffffe);
