import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { platform as platformOf } from '../../src/cli/run-flags/platform.js';
import { inspectImage, listImages } from '../../src/containerizer/image/list.js';
import { choosePlatform } from '../../src/containerizer/image/platform.js';
import type { ImageEvent } from '../../src/containerizer/image/progress.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { pullImage } from '../../src/containerizer/image/pull.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { saveImages } from '../../src/containerizer/image/save.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { digestOf } from '../../src/oci-spec/digest.js';
import { berth } from '../cli/berth.js';
import { compressed } from '../fixtures/archive-writer.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { restartHost } from '../fixtures/layer-records.js';
import { layerTar, writeBlob, writeImage, writeIndex } from '../fixtures/oci-image-writer.js';
import { treeOf } from '../image/tree.js';
import { DockerRegistry } from './docker-registry.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t);
const place = (name: string) => path.join(folder, name);
let made = 0;
const freshRoots = () => {
  const base = place(`store-${made++}`);
  return { root: path.join(base, 'root'), state: path.join(base, 'state') };
};
const stored = (roots: { root: string }, name: string) => readdirSync(path.join(roots.root, 'images', name));

const registry = await DockerRegistry.start(t, place('registry'));
const skopeo = (...args: string[]) =>
  execFileSync('skopeo', ['--insecure-policy', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
const publish = (reference: string, name: string, ...flags: string[]) =>
  skopeo('copy', '--dest-tls-verify=false', ...flags, reference, `docker://${registry.host}/${name}`);

const base = { tar: await layerTar([{ name: 'etc/' }, { name: 'etc/issue', content: 'base' }]) };
const zstdTar = await layerTar([{ name: '.wh.gone' }, { name: 'b', content: Buffer.alloc(300_000, 'zstd') }]);
const upper = {
  tar: zstdTar,
  blob: compressed('zstd', zstdTar),
  mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
};
const lower = { tar: await layerTar([{ name: 'gone', content: 'x' }]) };
const web = writeImage(place('web'), { layers: [base, lower, upper, base], config: { Cmd: ['/b'] } });
publish(web.reference, 'team/web:1');
const other = writeImage(place('other'), { layers: [base, { tar: await layerTar([{ name: 'c' }]) }] });
publish(other.reference, 'other');
const name = `${registry.host}/team/web:1`;

t.test('by tag: verified, unpacked, the same bytes, and only once', async (t) => {
  const roots = freshRoots();
  const events: ImageEvent[] = [];
  const pulled = await pullImage(roots, name, { durable: true, onProgress: (event) => events.push(event) });
  t.equal(pulled.manifestDigest, web.manifestDigest);
  t.strictSame(
    listImages(roots).map((image) => image.name),
    [name],
  );
  t.strictSame(stored(roots, 'downloads'), [], "what has come is the store's");
  t.strictSame(stored(roots, 'sessions'), []);
  t.strictSame(stored(roots, 'locks').sort(), ['index', 'store']);
  t.ok(events.some((event) => event.kind === 'download' && event.done === event.size));
  await unpackImage(roots, web.reference, place('expected'));
  await unpackImage(roots, name, place('tree'));
  t.strictSame(treeOf(place('tree')), treeOf(place('expected')));

  await saveImages(roots, [name], 'oci-dir', place('saved'));
  for (const digest of [web.manifestDigest, digestOf(upper.blob)])
    t.ok(existsSync(place(`saved/blobs/sha256/${digest.slice(7)}`)), 'the compressed blobs are kept');

  const again = await pullImage(roots, name);
  t.equal(again.fetched, 0, 'nothing comes twice');
  const next = await pullImage(roots, `${registry.host}/other`);
  t.equal(next.name, `${registry.host}/other:latest`);
  const manifest = inspectImage(roots, next.name).manifest;
  t.equal(next.fetched, manifest.layers[1]?.size, 'of an image with the same base only the rest');
});

t.test('by digest', async (t) => {
  const roots = freshRoots();
  const byDigest = `${registry.host}/team/web@${web.manifestDigest}`;
  t.equal((await pullImage(roots, byDigest)).name, byDigest);
  t.equal((await provideImage(roots, byDigest)).name, byDigest);
  await t.rejects(provideImage(roots, name), { code: 'IMAGE_NOT_FOUND' }, 'no tag was asked for');
  const tagged = `${name}@${web.manifestDigest}`;
  t.equal((await provideImage(roots, tagged, { pull: 'missing' })).manifestDigest, web.manifestDigest);
  const wrong = `${registry.host}/team/web:1@sha256:${'0'.repeat(64)}`;
  await t.rejects(pullImage(roots, wrong), { code: 'IMAGE_NOT_FOUND', message: /does not have it/ });
  await removeImage(roots, byDigest, () => undefined);
  t.strictSame(stored(roots, 'blobs/sha256'), []);
});

t.test('an index leads to the manifest for the platform', async (t) => {
  const roots = freshRoots();
  const arm = writeImage(place('arm'), { layers: [lower], architecture: 'arm64' });
  const mine = writeImage(place('mine'), { layers: [base] });
  const layout = place('mine');
  execFileSync('cp', ['-r', `${place('arm')}/blobs`, layout]);
  const manifests = [arm, mine].map(({ manifestDigest }, i) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: manifestDigest,
    size: readFileSync(path.join(layout, 'blobs/sha256', manifestDigest.slice(7))).length,
    platform: {
      os: 'linux',
      architecture: i === 0 ? 'arm64' : process.arch === 'x64' ? 'amd64' : process.arch,
    },
  }));
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests,
  };
  const written = writeBlob(layout, Buffer.from(JSON.stringify(index)));
  writeIndex(layout, [{ mediaType: index.mediaType, ...written }]);
  publish(`oci:${layout}`, 'multi', '--all');
  const multi = `${registry.host}/multi`;
  t.equal((await pullImage(roots, multi)).manifestDigest, mine.manifestDigest);
  t.equal(
    (await provideImage(roots, `${multi}@${written.digest}`)).manifestDigest,
    mine.manifestDigest,
    "the index's digest stands for what was chosen from it",
  );
  const platform = { os: 'linux', architecture: 'arm64' };
  t.equal((await pullImage(roots, multi, { platform })).manifestDigest, arm.manifestDigest);
  await t.rejects(
    pullImage(roots, name, { platform }),
    { code: 'PLATFORM_MISSING', message: /alone, and linux\/arm64 was asked for/ },
    'one that stands alone is for no other platform',
  );
  t.equal(
    (await pullImage(roots, multi, { platform: { ...platform, variant: 'v8' } })).manifestDigest,
    arm.manifestDigest,
    'the variant that is meant where none is stated',
  );
  await t.rejects(pullImage(roots, multi, { platform: { os: 'linux', architecture: 'vax' } }), {
    code: 'PLATFORM_MISSING',
    mend: /linux\/arm64/,
  });
});

t.test('a platform is chosen as others choose it', (t) => {
  const of = (...names: string[]) =>
    names.map((name, i) => {
      const [os = '', architecture = '', variant] = name.split('/');
      const which = { os, architecture, ...(variant === undefined ? {} : { variant }) };
      return {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: digestOf(Buffer.from(name)),
        size: i,
        platform: which,
      };
    });
  const chosen = (wanted: string, ...names: string[]) => {
    const { size } = choosePlatform(of(...names), 'it', platformOf(wanted));
    return names[size];
  };
  const many = [
    'unknown/unknown',
    'linux/amd64/v3',
    'linux/amd64',
    'linux/arm/v6',
    'linux/arm/v7',
    'linux/arm64',
  ];
  t.equal(chosen('linux/amd64', ...many), 'linux/amd64');
  t.equal(chosen('linux/amd64/v3', ...many), 'linux/amd64/v3');
  t.equal(chosen('linux/amd64/v1', ...many), 'linux/amd64');
  t.equal(chosen('linux/arm', ...many), 'linux/arm/v7');
  t.equal(chosen('linux/arm', 'linux/arm/v6'), 'linux/arm/v6');
  t.equal(chosen('aarch64', ...many), 'linux/arm64');
  t.equal(chosen('linux/arm64', 'linux/arm64/v8'), 'linux/arm64/v8');
  t.throws(() => chosen('linux/amd64', 'linux/amd64/v3'), { code: 'PLATFORM_MISSING' });
  t.throws(() => chosen('linux/vax', 'linux/\u001b[31m'), {
    code: 'PLATFORM_MISSING',
    mend: 'It has: linux/\\x1b[31m.',
  });
  t.throws(() => chosen('linux/vax', ...many), {
    code: 'PLATFORM_MISSING',
    mend: /^It has: linux\/amd64\/v3, /,
  });
  t.end();
});

t.test('blobs that a power loss has left short or wrong', async (t) => {
  const roots = freshRoots();
  const kept = (digest: string) => path.join(roots.root, 'images/blobs/sha256', digest.slice(7));
  const blob = digestOf(upper.blob);
  const flushed = new Set<number>();
  const handle = await open(web.reference.slice('oci:'.length).replace(/:[^/]*$/, ''));
  const methods = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { datasync } = methods;
  methods.datasync = async function (this: FileHandle) {
    const { ino, nlink } = await this.stat();
    // In downloads and in the session, and not in the store yet.
    if (nlink === 2) flushed.add(ino);
    return datasync.call(this);
  };
  t.teardown(() => {
    methods.datasync = datasync;
  });
  await pullImage(roots, name);
  const { layers } = inspectImage(roots, name).manifest;
  for (const { digest } of layers)
    t.ok(flushed.has(statSync(kept(digest)).ino), 'it is on the disk before it has its name in the store');

  const whole = readFileSync(kept(blob));
  truncateSync(kept(blob), 7);
  truncateSync(kept(web.manifestDigest), 0);
  t.equal((await pullImage(roots, name)).fetched, whole.length, 'what is short is fetched again');
  t.strictSame(readFileSync(kept(blob)), whole);
  t.equal((await provideImage(roots, name)).manifestDigest, web.manifestDigest, 'the documents are whole');

  // The host has started again: layers are unpacked anew, from what there is.
  await restartHost(roots, { powerLoss: true });
  writeFileSync(kept(blob), Buffer.alloc(whole.length));
  await t.rejects(provideImage(roots, name), {
    code: 'IMAGE_CORRUPT',
    message: /damaged, and has been removed/,
  });
  t.notOk(existsSync(kept(blob)));
  t.equal((await pullImage(roots, name)).fetched, whole.length);
  t.strictSame(readFileSync(kept(blob)), whole);
  await restartHost(roots, { powerLoss: true });
  t.equal((await provideImage(roots, name)).manifestDigest, web.manifestDigest);
});

t.test(
  'a layer that is the blob which was asked for, and not the archive that its image states',
  async (t) => {
    const roots = freshRoots();
    const tar = await layerTar([{ name: 'd', content: Buffer.alloc(300_000, 'zstd') }]);
    const { mediaType } = upper;
    const wrong = { tar, blob: compressed('zstd', tar), mediaType, diffId: digestOf('another') };
    publish(writeImage(place('wrong'), { layers: [base, wrong] }).reference, 'wrong:1');
    await t.rejects(pullImage(roots, `${registry.host}/wrong:1`), {
      code: 'IMAGE_CORRUPT',
      message: /diff id should be/,
    });
    for (const name of ['layers', 'blobs/sha256', 'sessions']) t.strictSame(stored(roots, name), [], name);
  },
);

t.test('the command line', async (t) => {
  const roots = freshRoots();
  const at = ['--root', roots.root, '--state', roots.state];
  t.match(berth(['run', '--pull', 'never', ...at, name]), { status: 125, stderr: /it is not in the store/ });
  t.match(berth(['run', ...at, name, '/nothing']), { status: 127 }, 'run pulls what is missing');
  const pulled = berth(['image', 'pull', '--json', ...at, name, `${registry.host}/none:1`]);
  t.match(pulled, {
    status: 125,
    stderr: /^berth: image .*none:1: .* does not have it: manifest unknown\n/m,
  });
  const last = pulled.stdout.trim().split('\n').at(-1) ?? '';
  t.match(JSON.parse(last), { event: 'pulled', name, digest: web.manifestDigest, fetched_bytes: 0 });
  publish(other.reference, 'team/web:1');
  t.match(berth(['run', '--pull', 'always', ...at, name, '/nothing']), { status: 127 });
  t.equal(inspectImage(roots, name).manifestDigest, other.manifestDigest, 'the tag has moved');
});

t.test('what cannot be reached, and what is no image of a registry', async (t) => {
  const roots = freshRoots();
  await t.rejects(pullImage(roots, '127.0.0.1:1/nobody:1'), {
    code: 'REGISTRY_UNREACHABLE',
    message: 'image 127.0.0.1:1/nobody:1: registry 127.0.0.1:1: nothing listens there',
  });
  await t.rejects(pullImage(roots, 'oci:/somewhere'), { code: 'REFERENCE_INVALID' });
  t.notOk(existsSync(path.join(roots.root, 'images')), 'no store is made for it');

  const mediaType = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
  publish(writeImage(place('foreign'), { layers: [{ tar: base.tar, mediaType }] }).reference, 'foreign');
  const reference = `${registry.host}/foreign`;
  await pullImage(roots, reference);
  const [layer] = inspectImage(roots, reference).manifest.layers;
  t.equal(layer?.mediaType, mediaType, 'a registry may have it all the same');
  const blob = `http://${registry.host}/v2/foreign/blobs/${layer?.digest}`;
  t.equal((await fetch(blob, { method: 'DELETE' })).status, 202);
  await t.rejects(pullImage(freshRoots(), reference), {
    code: 'IMAGE_INVALID',
    message: /foreign layer, which its/,
  });
});
