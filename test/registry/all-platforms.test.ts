import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { pullImage } from '../../src/containerizer/image/pull.js';
import { pushImage } from '../../src/containerizer/image/push.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { storePaths } from '../../src/containerizer/image/store.js';
import { digestOf, hexOf } from '../../src/oci-spec/digest.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { DockerRegistry } from './docker-registry.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const indexType = 'application/vnd.oci.image.index.v1+json';
const folder = diskFolder(t);
const fresh = (name: string) => ({
  root: path.join(folder, name),
  state: path.join(folder, `${name}-state`),
});
const registry = await DockerRegistry.start(t, path.join(folder, 'registry'));
const name = `${registry.host}/many:1`;

/** An index of this machine's image, of one for another, and of an index with a third. */
async function publishMany(): Promise<{ bytes: string; blobs: string[] }> {
  const blobs: string[] = [];
  const send = async (bytes: string, mediaType: string, as: string) => {
    const place = `http://${registry.host}/v2/many/manifests/${as}`;
    const answer = await fetch(place, { method: 'PUT', headers: { 'content-type': mediaType }, body: bytes });
    if (!answer.ok) throw new Error(await answer.text());
    blobs.push(hexOf(digestOf(Buffer.from(bytes))));
  };
  const one = async (architecture: string) => {
    const dir = path.join(folder, `layout-${architecture}`);
    const tar = await layerTar([{ name: 'machine', content: architecture }]);
    const { manifestDigest } = writeImage(dir, { layers: [{ tar }], architecture });
    const to = `docker://${registry.host}/many:${architecture}`;
    execFileSync('skopeo', ['copy', '-q', '--dest-tls-verify=false', `oci:${dir}:latest`, to]);
    blobs.push(...readdirSync(path.join(dir, 'blobs/sha256')));
    const { length } = readFileSync(path.join(dir, 'blobs/sha256', hexOf(manifestDigest)));
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    return { mediaType, digest: manifestDigest, size: length, platform: { os: 'linux', architecture } };
  };
  const inner = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [await one('s390x')] });
  await send(inner, indexType, digestOf(Buffer.from(inner)));
  const nested = { mediaType: indexType, digest: digestOf(Buffer.from(inner)), size: inner.length };
  const manifests = [
    await one('amd64'),
    await one('arm64'),
    { ...nested, platform: { os: 'linux', architecture: 's390x' } },
  ];
  const bytes = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests });
  await send(bytes, indexType, '1');
  return { bytes, blobs: [...new Set(blobs)].sort() };
}

const { bytes, blobs } = await publishMany();

t.test('an index is kept whole, sent on byte for byte, and goes with its name', async (t) => {
  const roots = fresh('whole');
  const { blobs: kept, layers } = storePaths(roots);
  await pullImage(roots, name);
  t.not(readdirSync(kept).length, blobs.length);
  await t.rejects(pushImage(roots, name, `${registry.host}/copy:1`, { allPlatforms: true }), {
    code: 'IMAGE_NOT_FOUND',
    mend: /--all-platforms/,
  });
  await pullImage(roots, name, { allPlatforms: true, durable: true });
  t.strictSame(readdirSync(kept).sort(), blobs, 'manifests, configurations and layers of all machines');
  t.equal(readdirSync(layers).length, 1, 'one is unpacked');

  const { manifestDigest } = await pushImage(roots, name, `${registry.host}/copy:1`, { allPlatforms: true });
  t.equal(manifestDigest, digestOf(Buffer.from(bytes)));
  const raw = ['inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/copy:1`];
  t.equal(execFileSync('skopeo', raw, { encoding: 'utf8' }), bytes);
  const other = fresh('other');
  await pullImage(other, `${registry.host}/copy:1`, { allPlatforms: true });
  t.strictSame(readdirSync(storePaths(other).blobs).sort(), blobs, 'and all of it is there');

  // Another image's removal collects what nobody needs.
  await pullImage(roots, `${registry.host}/copy:1`);
  await removeImage(roots, `${registry.host}/copy:1`, () => undefined);
  t.strictSame(readdirSync(kept).sort(), blobs);
  await removeImage(roots, name, () => undefined);
  t.strictSame(readdirSync(kept), []);
});
