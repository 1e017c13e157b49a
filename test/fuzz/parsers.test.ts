import fc from 'fast-check';
import t from 'tap';
import { readRecipe } from '../../src/containerizer/build/recipe.js';
import { shaped } from '../../src/containerizer/image/documents.js';
import { documentOf, imageOf, manifestIn } from '../../src/containerizer/image/oci-layout.js';
import { choosePlatform } from '../../src/containerizer/image/platform.js';
import { type ImageReference, parseReference } from '../../src/containerizer/image/reference.js';
import { readSchema1 } from '../../src/containerizer/image/schema1.js';
import { walkIndex } from '../../src/containerizer/image/whole-index.js';
import { BerthError } from '../../src/errors/berth-error.js';
import type { ErrorCode } from '../../src/errors/table.js';
import { digestOf } from '../../src/oci-spec/digest.js';
import { indexMediaType, indexShape } from '../../src/oci-spec/image.js';
import { schema1Payload } from '../../src/oci-spec/schema1.js';
import { ShapeError } from '../../src/oci-spec/shape.js';
import { mutated, pieced, tries } from '../fixtures/tries.js';

/** What the call gives, or undefined where it refuses with that code; anything else is a defect. */
function refusedOr<T>(code: ErrorCode, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof BerthError && error.code === code) return undefined;
    throw error;
  }
}

function asObject(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

const digest = `sha256:${'ab'.repeat(32)}`;

t.test('references: refused, or what they are called means the same again', async () => {
  const texts = pieced(
    ...[
      'oci:',
      'oci-archive:',
      'docker-archive:',
      'dir:',
      'appc:',
      '.aci',
      'docker.io/',
      'library/',
      'a',
      'B',
      '0',
    ],
    ...[
      ':',
      '/',
      '.',
      '-',
      '_',
      '__',
      '@',
      digest,
      'sha256:',
      'localhost:5000/',
      '..',
      '//',
      ',',
      '=',
      'latest',
      'x'.repeat(200),
    ],
  );
  fc.assert(
    fc.property(texts, (text) => {
      const parsed: ImageReference | undefined = refusedOr('REFERENCE_INVALID', () => parseReference(text));
      if (parsed === undefined) return true;
      return parseReference(parsed.canonical).canonical === parsed.canonical;
    }),
    tries(300),
  );
});

t.test('what such runs have found', async (t) => {
  for (const [text, canonical] of [
    ['docker.io/oci:0', 'docker.io/library/oci:0'],
    ['oci', 'docker.io/library/oci:latest'],
    ['docker.io/quay.io/team/x', 'docker.io/quay.io/team/x:latest'],
    ['index.docker.io/docker.io/latest', 'docker.io/docker.io/latest:latest'],
    ['docker.io/library/a/b', 'library/a/b:latest'],
    ['docker.io/library/busybox:1', 'busybox:1'],
    ['oci:/a:b/', 'oci:/a:b/'],
    ['oci:/a.aci', 'oci:/a.aci'],
  ] as const) {
    t.equal(parseReference(text).canonical, canonical);
    t.equal(parseReference(canonical).canonical, canonical);
  }
});

t.test('manifests and configurations: refused, or of their shape', async () => {
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 7 };
  const manifest = {
    ...{ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json' },
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 },
    ...{ layers: [layer, layer], annotations: { a: 'b' } },
  };
  const config = {
    ...{
      architecture: 'amd64',
      os: 'linux',
      created: '2020-01-01T00:00:00Z',
      history: [{ created_by: 'x' }],
    },
    config: { Env: ['A=b'], Cmd: ['x'], Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} }, User: '1' },
    rootfs: { type: 'layers', diff_ids: [digest, digest] },
  };
  const bytes = (value: unknown) => Buffer.from(JSON.stringify(value) ?? 'null');
  const files = { place: 'x', verified: true, path: () => '/x' };
  const manifestOf = (value: unknown) => manifestIn(bytes(value), { mediaType: manifest.mediaType }, 'x');
  fc.assert(
    fc.property(fc.oneof(mutated(manifest), fc.jsonValue()), (value) => {
      const read = refusedOr('IMAGE_INVALID', () => manifestOf(value));
      return (
        read === undefined || read.layers.every(({ digest: each }) => /^sha256:[0-9a-f]{64}$/.test(each))
      );
    }),
    tries(300),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      refusedOr('IMAGE_INVALID', () => documentOf(Buffer.from(noise), {}, 'x'));
    }),
    tries(300),
  );
  fc.assert(
    fc.property(mutated(config), (value) => {
      const documents = { manifestDigest: digest as `sha256:${string}`, manifest: manifestOf(manifest) };
      const image = refusedOr('IMAGE_INVALID', () =>
        refusedOr('PLATFORM_MISSING', () =>
          imageOf(files, { ...documents, manifestBytes: bytes(manifest), configBytes: bytes(value) }, 'x'),
        ),
      );
      return image === undefined || image.layers.length === 2;
    }),
    tries(300),
  );
});

t.test('indexes and layouts: refused, or one of their manifests is chosen', async () => {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const one = { mediaType, digest, size: 7, platform: { os: 'linux', architecture: 'amd64', variant: 'v1' } };
  const other = { ...one, platform: { os: 'linux', architecture: 'arm64' }, annotations: { a: 'b' } };
  const index = { schemaVersion: 2, mediaType: indexMediaType, manifests: [one, other, other] };
  const bytes = (value: unknown) => Buffer.from(JSON.stringify(value) ?? 'null');
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutated(index), fc.jsonValue()), async (value) => {
      const read = refusedOr('IMAGE_INVALID', () =>
        shaped(documentOf(bytes(value), { mediaType: indexMediaType }, 'x'), indexShape, 'x', 'index'),
      );
      if (read === undefined) return true;
      const chosen = refusedOr('PLATFORM_MISSING', () => choosePlatform(read.manifests, 'x'));
      const top = { digest: digestOf(bytes(value)), mediaType: indexMediaType, bytes: bytes(value) };
      try {
        // Nothing is what its descriptor says: whatever leads anywhere is refused.
        const { documents } = await walkIndex(top, async () => Buffer.from('{}'), 'x');
        if (documents.length > 1) return false;
      } catch (error) {
        if (!(error instanceof BerthError)) throw error;
      }
      return chosen === undefined || read.manifests.includes(chosen);
    }),
    tries(300),
  );
});

t.test('manifests of schema 1, signed or not: refused, or an image of their layers', async () => {
  const history = {
    id: '1',
    created: '2015-01-01T00:00:00Z',
    os: 'linux',
    config: { Cmd: ['x'], Env: ['A=b'] },
  };
  const manifest = {
    ...{ schemaVersion: 1, name: 'a', tag: '1', architecture: 'amd64' },
    fsLayers: [{ blobSum: digest }, { blobSum: digest }],
    history: [
      { v1Compatibility: JSON.stringify(history) },
      { v1Compatibility: JSON.stringify({ id: '0', throwaway: true, container_config: { Cmd: ['y'] } }) },
    ],
    signatures: [
      { header: { alg: 'ES256' }, protected: 'eyJmb3JtYXRMZW5ndGgiOjUsImZvcm1hdFRhaWwiOiJDbjAifQ' },
    ],
  };
  const inside = fc
    .tuple(mutated(history), mutated({ formatLength: 5, formatTail: 'Cn0' }))
    .map(([layer, about]) => ({
      ...manifest,
      history: [{ v1Compatibility: JSON.stringify(layer) ?? 'null' }, manifest.history[1]],
      signatures: [{ protected: Buffer.from(JSON.stringify(about) ?? 'null').toString('base64url') }],
    }));
  const text = (value: unknown) => JSON.stringify(value) ?? 'null';
  fc.assert(
    fc.property(fc.oneof(mutated(manifest).map(text), inside.map(text), fc.string()), (given) => {
      const bytes = Buffer.from(given);
      try {
        if (schema1Payload(bytes).length > bytes.length + given.length) return false;
      } catch (error) {
        if (!(error instanceof ShapeError) && !(error instanceof SyntaxError)) throw error;
      }
      const { signatures: _signatures, ...unsigned } = asObject(given);
      const read = refusedOr('IMAGE_INVALID', () => readSchema1(Buffer.from(text(unsigned)), 'x'));
      return read === undefined || (read.blobs.length <= 2 && Array.isArray(read.config['history']));
    }),
    tries(300),
  );
});

t.test('recipes: refused, or every path stays inside', async () => {
  const recipe = {
    from: ['base:1'],
    layers: [
      [
        { copy: 'a/../b', to: '/x', owner: '1:2', mode: '0644' },
        { folder: '/y', mode: '755' },
        { file: '/z', text: 't' },
        { link: '/l', target: '../../x' },
      ],
    ],
    config: { user: '1', env: { A: 'b' }, cmd: ['x'], ports: ['80/tcp'], labels: { a: 'b' } },
  };
  const paths = pieced('/', '..', '.', 'a', '.wh.', '//', '\0');
  const withPaths = fc.tuple(paths, paths).map(([from, to]) => ({ layers: [[{ copy: from, to }]] }));
  fc.assert(
    fc.property(fc.oneof(mutated(recipe), withPaths, fc.jsonValue()), (value) => {
      const read = refusedOr('RECIPE_INVALID', () => readRecipe(JSON.stringify(value) ?? 'null', 'x'));
      const isClean = (each: string) => !/(^|\/)(\.\.?|\.wh\..*)?(\/|$)/.test(each) || each === '';
      return (read?.layers ?? [])
        .flat()
        .every(({ to, from, kind }) => isClean(to) && (kind !== 'copy' || isClean(from)));
    }),
    tries(300),
  );
});
