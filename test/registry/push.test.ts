import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { loadImage } from '../../src/containerizer/image/load.js';
import type { ImageEvent } from '../../src/containerizer/image/progress.js';
import { pullImage } from '../../src/containerizer/image/pull.js';
import { pushImage } from '../../src/containerizer/image/push.js';
import { tagImage } from '../../src/containerizer/image/tag.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { berth } from '../cli/berth.js';
import { compressed } from '../fixtures/archive-writer.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { treeOf } from '../image/tree.js';
import { DockerRegistry, htpasswd, person } from './docker-registry.js';
import { type Fault, FaultProxy, type Seen } from './fault-proxy.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t);
const place = (name: string) => path.join(folder, name);
const fresh = (name: string) => ({ root: place(`${name}-root`), state: place(`${name}-state`) });
const roots = fresh('own');
const basic = { htpasswd: { realm: 'a test', path: htpasswd(folder) } };
const registry = await DockerRegistry.start(t, place('registry'), { auth: basic });
const credentials = { kind: 'password' as const, ...person };
const creds = `${person.user}:${person.password}`;
const tool = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const raw = (name: string) =>
  tool(
    'skopeo',
    'inspect',
    '--raw',
    '--tls-verify=false',
    `--creds=${creds}`,
    `docker://${registry.host}/${name}`,
  );

const base = { tar: await layerTar([{ name: 'etc/' }, { name: 'etc/issue', content: 'base', uid: 3 }]) };
const noise = await layerTar([{ name: 'noise', content: randomBytes(700_000) }]);
const upper = {
  tar: noise,
  blob: compressed('zstd', noise),
  mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
};
const { reference, manifestDigest } = writeImage(place('web'), {
  layers: [base, upper],
  config: { Cmd: ['/x'] },
  annotations: { kept: 'as it is' },
});
await loadImage(roots, reference, { name: `${registry.host}/team/web:1` });
await unpackImage(roots, reference, place('expected'));

const ways = async (work: (tell: (event: ImageEvent) => void) => Promise<unknown>) => {
  const how: string[] = [];
  await work((event) => {
    if (event.kind === 'upload-done') how.push(event.how);
  });
  return how.sort();
};

t.test('byte for byte, and nothing twice', async (t) => {
  await t.rejects(pushImage(roots, `${registry.host}/team/web:1`), { code: 'REGISTRY_DENIED' });
  // Parts are small, so that a blob takes several.
  const limits = { uploadPart: 300_000 };
  const push = (onProgress: (event: ImageEvent) => void, to = `${registry.host}/team/web:1`) =>
    pushImage(roots, `${registry.host}/team/web:1`, to, { credentials, limits, onProgress });
  t.strictSame(await ways((tell) => push(tell)), ['sent', 'sent', 'sent']);
  t.equal(raw('team/web:1').length > 0 && (await push(() => {})).manifestDigest, manifestDigest);
  t.strictSame(await ways((tell) => push(tell)), ['present', 'present', 'present']);
  const other = fresh('other');
  const pulled = await pullImage(other, `${registry.host}/team/web:1`, { credentials });
  t.equal(pulled.manifestDigest, manifestDigest);
  await unpackImage(other, pulled.name, place('pulled'));
  t.strictSame(treeOf(place('pulled')), treeOf(place('expected')));
  t.strictSame(
    await ways((tell) => push(tell, `${registry.host}/mirror/web:2`)),
    ['mounted', 'mounted', 'sent'],
    'what another repository of the registry has is not sent',
  );
  t.equal(raw('mirror/web:2'), raw('team/web:1'));
});

t.test('other tools read it, in both formats', async (t) => {
  await pushImage(roots, `${registry.host}/team/web:1`, `${registry.host}/docker/web:1`, {
    credentials,
    format: 'docker',
  });
  const manifest = JSON.parse(raw('docker/web:1')) as { mediaType: string; layers: { mediaType: string }[] };
  t.equal(manifest.mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
  t.match(manifest.layers, [{ mediaType: /\.tar\.gzip$/ }, { mediaType: /\.tar\.zstd$/ }]);
  const gzipped = writeImage(place('gzipped'), { layers: [base] });
  await loadImage(roots, gzipped.reference, { name: 'gz:1' });
  for (const format of ['oci', 'docker'] as const) {
    await pushImage(roots, 'gz:1', `${registry.host}/gz:${format}`, { credentials, format });
    const store = ['--storage-driver=vfs', '--root', place('podman'), '--runroot', place('podman-run')];
    tool(
      'podman',
      ...store,
      'pull',
      '-q',
      '--tls-verify=false',
      `--creds=${creds}`,
      `${registry.host}/gz:${format}`,
    );
    const layout = `oci:${place(`copied-${format}`)}:1`;
    tool('skopeo', '--insecure-policy', 'copy', '--src-tls-verify=false', `--src-creds=${creds}`,
      `docker://${registry.host}/gz:${format}`, layout); // biome-ignore format: one command
    await unpackImage(roots, layout, place(`tree-${format}`));
    t.strictSame(treeOf(place(`tree-${format}`)).length, 3, format);
  }
  const again = fresh('again');
  await pullImage(again, `${registry.host}/docker/web:1`, { credentials });
  await unpackImage(again, `${registry.host}/docker/web:1`, place('again'));
  t.strictSame(treeOf(place('again')), treeOf(place('expected')), "zstd in Docker's format comes back");
});

t.test('the command line', async (t) => {
  const authFile = place('auth.json');
  const at = ['--root', roots.root, '--state', roots.state, '--authfile', authFile];
  t.equal(
    berth(
      ['login', '--authfile', authFile, '-u', person.user, '--password-stdin', registry.host],
      {},
      person.password,
    ).status,
    0,
  );
  await tagImage(roots, 'gz:1', `${registry.host}/named:3`);
  t.match(berth(['image', 'push', ...at, `${registry.host}/named:3`]), {
    status: 0,
    stdout: new RegExp(`^${registry.host}/named:3@sha256:[0-9a-f]{64}\n$`),
    stderr: /^blob 1\/2 [0-9a-f]{12}: taken from another repository\nblob|^blob 2\/2/,
  });
  t.match(berth(['image', 'push', ...at, 'gz:1', 'oci:/x']), { status: 125, stderr: /names no registry/ });
  t.match(berth(['image', 'push', ...at, 'none:1', `${registry.host}/x`]), {
    status: 125,
    stderr: /not in the store/,
  });
  t.match(berth(['image', 'push', ...at, '--format', 'appc', 'gz:1']), {
    status: 125,
    stderr: /is no format/,
  });
  t.strictSame(readdirSync(path.join(roots.root, 'images/sessions')), []);
});

t.test('a push that is cut goes on where the registry got', async (t) => {
  const tar = () => layerTar([{ name: 'noise', content: randomBytes(400_000) }]);
  const image = writeImage(place('cut'), { layers: [{ tar: await tar() }, { tar: await tar() }] });
  await loadImage(roots, image.reference, { name: 'a:1' });
  const proxy = await FaultProxy.start(t, registry.host);
  const within = (fault: Fault) => {
    proxy.seen.length = 0;
    proxy.fault = fault;
  };
  const limits = { firstDelay: 1, longestDelay: 20, attempts: 4, parallel: 1, uploadPart: 120_000 };
  let cut = 0;
  // The part has arrived; that it has is what gets lost. Debian's docker-registry gives such an upload up, so it begins anew.
  within((seen, _original, response) => {
    if (seen.method !== 'PATCH' || cut >= 3) return false;
    cut += 1;
    response.destroy();
    return true;
  });
  const pushed = await pushImage(roots, 'a:1', `${proxy.host}/pushed/a:1`, { limits, credentials });
  t.equal(pushed.manifestDigest, image.manifestDigest);
  t.equal(cut, 3);

  // One that knows how far it got is sent the rest alone.
  const lost = new Map<string, Record<string, string>>();
  const uploadOf = (seen: Seen) => seen.url.replace(/\?.*/, '');
  within((seen, { headers }, response) => {
    if (seen.method !== 'PATCH' || lost.has(uploadOf(seen))) return false;
    lost.set(uploadOf(seen), { location: headers.location ?? '', range: headers.range ?? '' });
    response.destroy();
    return true;
  });
  proxy.instead = (seen, response) => {
    const known = seen.method === 'GET' ? lost.get(uploadOf(seen)) : undefined;
    if (known !== undefined) response.writeHead(204, known).end();
    return known !== undefined;
  };
  await pushImage(roots, 'a:1', `${proxy.host}/resumed/a:1`, { limits, credentials });
  t.equal(lost.size, 2, 'each layer was cut once');
  const parts = proxy.seen
    .filter(({ method }) => method === 'PATCH')
    .map((seen) => `${uploadOf(seen)} ${seen.headers['content-range']}`);
  t.equal(new Set(parts).size, parts.length, 'no part is sent twice');
  proxy.instead = () => false;
  within(() => false);
  const other = fresh('after-cuts');
  t.equal(
    (await pullImage(other, `${proxy.host}/pushed/a:1`, { limits, credentials })).manifestDigest,
    image.manifestDigest,
  );
  // A registry that says of a part what cannot be is not believed, and does not hold anybody up for ever.
  for (const range of ['0-0', '0-99999999999', '0-10']) {
    within((seen, { status, headers, body }, response) => {
      if (seen.method === 'PATCH') response.writeHead(status, { ...headers, range }).end(body);
      return seen.method === 'PATCH';
    });
    await t.rejects(
      pushImage(roots, 'a:1', `${proxy.host}/lied/a:1`, { limits, credentials }),
      { code: 'REGISTRY_FAILED', message: /says that it has/ },
      range,
    );
  }
  within((seen, _original, response) => {
    if (seen.method === 'PUT') response.writeHead(500).end();
    return seen.method === 'PUT';
  });
  await t.rejects(pushImage(roots, 'a:1', `${proxy.host}/never/a:1`, { limits, credentials }), {
    code: 'REGISTRY_FAILED',
  });
});
