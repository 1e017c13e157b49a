import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { inspectImage } from '../../src/containerizer/image/list.js';
import { loadImage, loadImages } from '../../src/containerizer/image/load.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { type SaveFormat, saveImages } from '../../src/containerizer/image/save.js';
import { makeStore, storePaths } from '../../src/containerizer/image/store.js';
import { tagImage } from '../../src/containerizer/image/tag.js';
import { walkIndex } from '../../src/containerizer/image/whole-index.js';
import { collectImages } from '../../src/containerizer/reclaim/collect-images.js';
import { digestOf, hexOf } from '../../src/oci-spec/digest.js';
import { berth } from '../cli/berth.js';
import { busyboxEntries } from '../fixtures/busybox-image.js';
import {
  layerTar,
  thisArchitecture,
  writeBlob,
  writeImage,
  writeIndex,
} from '../fixtures/oci-image-writer.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

// Not below the checkout: podman keeps links to the folders it is told.
const folder = mkdtempSync('/var/tmp/berth-indexes-');
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const place = (name: string) => path.join(folder, name);
const fresh = (name: string) => ({ root: place(name), state: place(`${name}-state`) });
const tool = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const skopeo = (...args: string[]) => tool('skopeo', '--insecure-policy', ...args);
const blobsOf = (layout: string) => readdirSync(path.join(layout, 'blobs/sha256')).sort();
const kept = (roots: { root: string; state: string }) => readdirSync(storePaths(roots).blobs).sort();

const indexType = 'application/vnd.oci.image.index.v1+json';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const refName = 'org.opencontainers.image.ref.name';
const layout = place('layout');

/** An image for a machine in the layout, as an index names it. */
async function imageFor(architecture: string, entries = busyboxEntries()) {
  const own = place(`one-${architecture}`);
  const tar = await layerTar([...entries, { name: 'machine', content: architecture }]);
  const { manifestDigest } = writeImage(own, { layers: [{ tar }], architecture, config: { Cmd: ['sh'] } });
  cpSync(path.join(own, 'blobs'), path.join(layout, 'blobs'), { recursive: true });
  const { length } = readFileSync(path.join(own, 'blobs/sha256', hexOf(manifestDigest)));
  const platform = { os: 'linux', architecture };
  return { mediaType: manifestType, digest: manifestDigest, size: length, platform };
}

/** What belongs to an image and is none: BuildKit puts its attestations into indexes so. */
function attestation(of: string) {
  const config = JSON.stringify({
    architecture: 'unknown',
    os: 'unknown',
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const statement = writeBlob(layout, Buffer.from('{"_type":"statement"}'));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      ...writeBlob(layout, Buffer.from(config)),
    },
    layers: [{ mediaType: 'application/vnd.in-toto+json', ...statement }],
  });
  const annotations = {
    'vnd.docker.reference.type': 'attestation-manifest',
    'vnd.docker.reference.digest': of,
  };
  const platform = { os: 'unknown', architecture: 'unknown' };
  return { mediaType: manifestType, ...writeBlob(layout, Buffer.from(manifest)), platform, annotations };
}

const mine = await imageFor(thisArchitecture);
const foreign = [await imageFor('s390x', []), await imageFor('riscv64', [])];
const manifests = [mine, ...foreign, attestation(mine.digest)];
const bytes = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }, null, 2);
const top = { mediaType: indexType, ...writeBlob(layout, Buffer.from(bytes)) };
writeIndex(layout, [{ ...top, annotations: { [refName]: '1' } }]);
const all = blobsOf(layout);

t.test(
  'an index goes in and out byte for byte, from a folder, an archive and what skopeo makes of them',
  async (t) => {
    skopeo('copy', '-q', '--all', `oci:${layout}:1`, `oci-archive:${place('skopeo.tar')}:many:1`);
    const cli = fresh('cli');
    const { stdout, status } = berth([
      ...['image', 'load', '--all-platforms', '--json', '-i', place('skopeo.tar')],
      ...['--root', cli.root, '--state', cli.state],
    ]);
    t.equal(status, 0);
    t.match(JSON.parse(stdout), {
      images: [{ name: 'many:1', digest: mine.digest, index_digest: top.digest }],
    });
    t.strictSame(kept(cli), all, 'everything of every machine');
    t.equal(readdirSync(storePaths(cli).layers).length, 1, 'one is unpacked');

    const roots = fresh('in');
    t.match(await loadImage(roots, `oci:${layout}:1`, { name: 'many:1', allPlatforms: true }), {
      indexDigest: top.digest,
    });
    t.strictSame(kept(roots), all);
    const platforms = [`linux/${thisArchitecture}`, 'linux/s390x', 'linux/riscv64'];
    t.strictSame(inspectImage(roots, 'many:1').index, { digest: top.digest, platforms });
    t.equal(inspectImage(roots, `many@${top.digest}`).manifestDigest, mine.digest);

    const saved: [SaveFormat, string, string][] = [
      ['oci-archive', place('out.tar'), `oci-archive:${place('out.tar')}:1`],
      ['oci-dir', place('out'), `oci:${place('out')}:1`],
    ];
    for (const [format, file, source] of saved) {
      await saveImages(roots, ['many:1'], format, file, { allPlatforms: true });
      t.equal(skopeo('inspect', '--raw', source), bytes, source);
      // It reads every byte and checks every digest.
      skopeo('copy', '-q', '--all', source, `dir:${place(`${format}-copy`)}`);
      const again = fresh(`${format}-again`);
      const loaded =
        format === 'oci-dir'
          ? [await loadImage(again, source, { name: 'many:1', allPlatforms: true })]
          : await loadImages(again, file, { allPlatforms: true });
      t.match(loaded, [{ name: 'many:1', indexDigest: top.digest, manifestDigest: mine.digest }]);
      t.strictSame(kept(again), all);
    }
    t.strictSame(blobsOf(place('out')), all);
    await saveImages(roots, ['many:1'], 'oci-archive', place('twice.tar'), { allPlatforms: true });
    t.ok(readFileSync(place('twice.tar')).equals(readFileSync(place('out.tar'))), 'the same bytes each time');

    const storage = ['--storage-driver=vfs', '--root', place('storage'), '--runroot', place('storage-run')];
    t.match(tool('podman', ...storage, 'load', '-q', '-i', place('out.tar')), /many:1/);
    t.match(
      tool('podman', ...storage, 'inspect', '--format', '{{.Architecture}}', 'many:1'),
      thisArchitecture,
    );
    // It has no way to be told a platform, and says so of any index with two.
    t.equal(tool('umoci', 'ls', '--layout', place('out')), '1\n');

    await saveImages(roots, ['many:1'], 'oci-dir', place('single'));
    t.not(blobsOf(place('single')).length, all.length, 'without the flag it is this platform alone');
    await t.rejects(
      saveImages(roots, ['many:1'], 'docker-archive', place('no.tar'), { allPlatforms: true }),
      {
        code: 'USAGE',
        message: /docker-archive holds an image for one platform/,
      },
    );
  },
);

t.test('what newer Dockers save is an archive of both kinds', async (t) => {
  const both = place('both-kinds');
  cpSync(layout, both, { recursive: true });
  const names = { 'io.containerd.image.name': 'docker.io/library/many:1', [refName]: '1' };
  writeIndex(both, [{ ...top, annotations: names }]);
  const manifest = readFileSync(path.join(both, 'blobs/sha256', hexOf(mine.digest)), 'utf8');
  const { config, layers } = JSON.parse(manifest) as Record<'config', { digest: string }> & {
    layers: { digest: string }[];
  };
  const blob = ({ digest }: { digest: string }) => `blobs/sha256/${digest.slice(7)}`;
  const saved = [{ Config: blob(config), RepoTags: ['many:1'], Layers: layers.map(blob) }];
  writeFileSync(path.join(both, 'manifest.json'), JSON.stringify(saved));
  const file = place('both.tar');
  tool('tar', '-C', both, '-cf', file, '.');
  const roots = fresh('both-root');
  const plain = await loadImages(roots, file);
  t.match(plain, [{ name: 'many:1', manifestDigest: mine.digest }]);
  t.equal(plain[0]?.indexDigest, undefined);
  t.match(await loadImages(roots, file, { allPlatforms: true }), [
    { name: 'many:1', indexDigest: top.digest },
  ]);
  t.strictSame(kept(roots), all);
  await t.rejects(loadImage(roots, `docker-archive:${file}`, { name: 'x', allPlatforms: true }), {
    code: 'USAGE',
    mend: /oci-archive:/,
  });
});

t.test('an index stays with every name of its image, and goes with the last', async (t) => {
  const roots = fresh('names');
  const ref = `oci:${layout}:1`;
  await loadImage(roots, ref, { name: 'many:1' });
  await t.rejects(saveImages(roots, ['many:1'], 'oci-dir', place('no'), { allPlatforms: true }), {
    code: 'IMAGE_NOT_FOUND',
    mend: /--all-platforms/,
  });
  await loadImage(roots, ref, { name: 'many:1', allPlatforms: true });
  await tagImage(roots, 'many:1', 'other:1');
  await tagImage(roots, hexOf(mine.digest).slice(0, 12), 'third:1');
  t.match(await removeImage(roots, `many:1@${top.digest}`, () => undefined), { name: 'many:1' });
  await removeImage(roots, 'other:1', () => undefined);
  t.strictSame(kept(roots), all);
  t.match(await collectImages(roots, { keep: [] }, { dryRun: true }), { images: [], bytes: 0 });

  // A layer that is lost is made again from its blob; the image stays what it was.
  rmSync(storePaths(roots).layers, { recursive: true });
  mkdirSync(storePaths(roots).layers, { mode: 0o700 });
  await provideImage(roots, 'third:1');
  t.equal(inspectImage(roots, 'third:1').index?.digest, top.digest);
  await saveImages(roots, [hexOf(mine.digest).slice(0, 12)], 'oci-dir', place('by-id'), {
    allPlatforms: true,
  });
  t.strictSame(blobsOf(place('by-id')), all);

  const { reference, manifestDigest } = writeImage(place('plain'), { layers: [{ tar: await layerTar([]) }] });
  await loadImage(roots, reference, { name: 'plain:1', allPlatforms: true });
  await saveImages(roots, ['plain:1', 'third:1'], 'oci-dir', place('both'), { allPlatforms: true });
  const { manifests: tops } = JSON.parse(readFileSync(place('both/index.json'), 'utf8')) as {
    manifests: { digest: string }[];
  };
  t.strictSame(
    tops.map(({ digest }) => digest),
    [manifestDigest, top.digest],
    'what is for one platform alone is whole without an index',
  );
  await removeImage(roots, 'plain:1', () => undefined);
  await removeImage(roots, 'third:1', () => undefined);
  t.strictSame(kept(roots), []);
});

t.test('what is not whole is refused, and nothing of it stays', async (t) => {
  const roots = fresh('refused');
  makeStore(roots);
  const half = place('half');
  const refuses = async (name: string, message: RegExp, code = 'IMAGE_INVALID') => {
    const load = loadImage(roots, `oci:${half}:1`, { name: 'x', allPlatforms: true });
    await t.rejects(load, { code, message }, name);
    t.strictSame(kept(roots), [], name);
  };
  const copy = () => {
    rmSync(half, { recursive: true, force: true });
    cpSync(layout, half, { recursive: true });
  };
  copy();
  const [other] = foreign;
  const manifest = path.join(half, 'blobs/sha256', hexOf(other?.digest ?? ''));
  const { layers } = JSON.parse(readFileSync(manifest, 'utf8')) as { layers: { digest: string }[] };
  const layer = path.join(half, 'blobs/sha256', hexOf(layers[0]?.digest ?? ''));
  rmSync(layer);
  await refuses('a layer of another platform is missing', /not all that its index leads to: sha256/);
  writeFileSync(layer, 'other');
  await refuses('it is another', /has not the digest/, 'IMAGE_CORRUPT');
  rmSync(layer);
  tool('mkfifo', layer);
  await refuses('nobody ever writes it', /is not a regular file/);
  rmSync(manifest);
  await refuses('a manifest is missing', /\(linux\/s390x\) is missing/);
  await loadImage(roots, `oci:${half}:1`, { name: 'x' });
  await removeImage(roots, 'x', () => undefined);

  copy();
  const named = manifests.map((each) => ({ ...each, annotations: { [refName]: '1' } }));
  writeIndex(half, named);
  const index = digestOf(readFileSync(path.join(half, 'index.json')));
  t.match(
    await loadImage(roots, `oci:${half}:1`, { name: 'flat', allPlatforms: true }),
    { indexDigest: index },
    'index.json may be the index itself',
  );
  await removeImage(roots, 'flat', () => undefined);
  writeIndex(half, [...named, { ...mine, annotations: { [refName]: '2' } }]);
  await refuses('platforms beside other images', /no index of their own/);
});

t.test('an index costs no more than what it leads to', async (t) => {
  const blobs = new Map<string, Buffer>();
  const put = (value: object) => {
    const content = Buffer.from(JSON.stringify(value));
    blobs.set(digestOf(content), content);
    return { digest: digestOf(content), size: content.length };
  };
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: mine.digest, size: 1 };
  const image = (more: object = {}) => ({
    mediaType: manifestType,
    ...put({ schemaVersion: 2, mediaType: manifestType, config, layers: [], ...more }),
  });
  let reads = 0;
  const walk = (children: object[]) => {
    const content = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: children }));
    const start = { digest: digestOf(content), mediaType: indexType, bytes: content };
    const read = async ({ digest }: { digest: string }) => {
      reads += 1;
      return blobs.get(digest) ?? Buffer.alloc(0);
    };
    return walkIndex(start, read, 'image x');
  };
  const one = image();
  await walk(Array.from({ length: 1000 }, () => one));
  t.equal(reads, 1, 'what is named a thousand times is read once');
  const note = 'x'.repeat(1 << 20);
  const large = Array.from({ length: 33 }, (_, i) =>
    image({ annotations: { a: note, b: note, i: String(i) } }),
  );
  await t.rejects(walk(large), { code: 'IMAGE_HOSTILE', message: /bytes of manifests/ });

  const code = 'IMAGE_INVALID';
  await t.rejects(walk([one, { ...one, size: 1 }]), {
    code,
    message: /should have \d+ bytes, and elsewhere 1/,
  });
  await t.rejects(walk([one, { ...one, mediaType: indexType }]), { code, message: /is referred to as/ });
  // In either order: the size that came last was the one that counted.
  const other = image({ config: { ...config, size: 2 } });
  for (const both of [
    [one, other],
    [other, one],
  ])
    await t.rejects(walk(both), { code, message: /and elsewhere/ });
});
