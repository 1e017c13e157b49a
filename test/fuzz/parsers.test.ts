import { writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { readRecipe } from '../../src/containerizer/build/recipe.js';
import { documentOf, imageOf, manifestIn } from '../../src/containerizer/image/oci-layout.js';
import { type ImageReference, parseReference } from '../../src/containerizer/image/reference.js';
import { readAuthFile } from '../../src/containerizer/registry/auth-file.js';
import { challengesOf } from '../../src/containerizer/registry/challenge.js';
import { readRegistriesConf } from '../../src/containerizer/registry/registries-conf.js';
import { BerthError } from '../../src/errors/berth-error.js';
import type { ErrorCode } from '../../src/errors/table.js';
import { diskFolder } from '../fixtures/disk-folder.js';

/** `BERTH_FUZZ_RUNS=200000 ./dev test dist/test/fuzz/parsers.test.js` looks longer; a failure prints the seed to repeat it by. */
const runs = { numRuns: Number(process.env.BERTH_FUZZ_RUNS ?? 300) };
/** For each file that has to be written. */
const fileRuns = { numRuns: Math.ceil(runs.numRuns / 5) };

/** Texts of pieces that mean something, with noise among them: what only noise finds takes a fuzzer days. */
const pieced = (...pieces: string[]) =>
  fc
    .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...pieces) }, fc.string({ maxLength: 4 })), {
      maxLength: 24,
    })
    .map((parts) => parts.join(''));

/** A valid document, one place of which is replaced by something. */
const mutated = (valid: unknown) => {
  const places: (string | number)[][] = [];
  const visit = (value: unknown, at: (string | number)[]) => {
    places.push(at);
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) visit((value as Record<string, unknown>)[key], [...at, key]);
  };
  visit(valid, []);
  return fc.tuple(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 })).map(([place, by]) => {
    const whole = { document: structuredClone(valid) as unknown };
    let holder = whole as unknown as Record<string | number, unknown>;
    let last: string | number = 'document';
    for (const key of place) {
      holder = holder[last] as Record<string | number, unknown>;
      last = key;
    }
    holder[last] = by;
    return whole.document;
  });
};

/** What the call gives, or undefined where it refuses with that code; anything else is a defect. */
function refusedOr<T>(code: ErrorCode, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof BerthError && error.code === code) return undefined;
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
    runs,
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
    runs,
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      refusedOr('IMAGE_INVALID', () => documentOf(Buffer.from(noise), {}, 'x'));
    }),
    runs,
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
    runs,
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
    runs,
  );
});

t.test('challenges, registries.conf, credentials: understood or refused', async (t) => {
  fc.assert(
    fc.property(
      pieced('Bearer ', 'Basic ', 'realm=', '"', '\\', 'https://a/t', 'service=', 'scope=', ',', ' ', '='),
      (text) => challengesOf(text).every((each) => each.scheme === 'basic' || typeof each.realm === 'string'),
    ),
    runs,
  );
  const folder = diskFolder(t);
  const file = path.join(folder, 'file');
  const toml = pieced(
    ...[
      '[[registry]]\n',
      '[[registry.mirror]]\n',
      'prefix = ',
      'location = ',
      '"a.example/b"',
      '"*.example"',
      '\n',
    ],
    ...[
      'insecure = true\n',
      'unqualified-search-registries = ["a"]\n',
      '[',
      ']',
      '=',
      'pull-from-mirror = "all"\n',
    ],
  );
  await fc.assert(
    fc.asyncProperty(toml, async (text) => {
      writeFileSync(file, text);
      try {
        await readRegistriesConf({ CONTAINERS_REGISTRIES_CONF: file });
      } catch (error) {
        if (!(error instanceof BerthError) || error.code !== 'REGISTRIES_INVALID') throw error;
      }
    }),
    fileRuns,
  );
  const auth = {
    auths: { 'a.example': { auth: 'YTpi', identitytoken: 'x' } },
    credHelpers: { b: 'c' },
    credsStore: 'd',
  };
  fc.assert(
    fc.property(
      fc.oneof(
        mutated(auth).map((value) => JSON.stringify(value) ?? ''),
        fc.string(),
      ),
      (text) => {
        writeFileSync(file, text);
        refusedOr('CREDENTIALS_INVALID', () => readAuthFile(file));
      },
    ),
    fileRuns,
  );
});
