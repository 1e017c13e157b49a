import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { native } from '../src/native/index.js';
import { type Digest, digestOf, hexOf } from '../src/oci-spec/digest.js';
import { layerMediaType, manifestMediaType } from '../src/oci-spec/image.js';
import { FileLock } from '../src/state/lock.js';

/** Where test fixtures lie too: Debian is not put together for every run. */
const cache = '/var/cache/berth-test';
const packages = ['python3', 'git', 'vim', 'locales', 'bind9-dnsutils', 'openssh-client'];

/** An image of one layer as layouts, each with the layer compressed in its own way. */
export interface UnpackFixture {
  /** Layout, and the layer's blob in it. */
  gzip: { layout: string; blob: string };
  zstd: { layout: string; blob: string };
}

/** Some 14,000 files of Debian's own, 370 MB unpacked. */
export const debianFixture = (): Promise<UnpackFixture> =>
  fixture(`bench-debian-${keyOf(packages)}`, async (tar) => {
    const include = `--include=${packages.join(',')}`;
    execFileSync('mmdebstrap', ['--quiet', '--mode=root', '--variant=minbase', include, 'bookworm', tar], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  });

/** 112,000 files of a few hundred bytes in 1120 folders. */
export const smallFilesFixture = (): Promise<UnpackFixture> =>
  fixture('bench-small-files-1', async (tar) => {
    const entries = Array.from({ length: 112_000 }, (_, i) => ({
      kind: 'text' as const,
      to: `srv/${Math.floor(i / 4000)}/${Math.floor(i / 100)}/${i % 100}`,
      from: `${i} `.repeat((i % 97) + 1),
      uid: 0,
      gid: 0,
    }));
    await native().packRecipe({ folder: '/', entries, time: 0, output: tar, compression: 'none' });
  });

async function fixture(name: string, make: (tar: string) => Promise<void>): Promise<UnpackFixture> {
  const folder = path.join(cache, name);
  mkdirSync(cache, { recursive: true });
  const lock = await FileLock.take(`${folder}.lock`);
  try {
    const done = (kind: string) => path.join(folder, kind);
    if (!existsSync(folder)) {
      const making = mkdtempSync(`${folder}.making-`);
      try {
        const tar = path.join(making, 'root.tar');
        await make(tar);
        execFileSync('gzip', ['-k', tar]);
        execFileSync('zstd', ['-q', '-3', tar]);
        const diffId = sha256(tar);
        writeLayout(path.join(making, 'gzip'), `${tar}.gz`, 'gzip', diffId);
        writeLayout(path.join(making, 'zstd'), `${tar}.zst`, 'zstd', diffId);
        rmSync(tar);
        renameSync(making, folder);
      } finally {
        rmSync(making, { recursive: true, force: true });
      }
    }
    return {
      gzip: { layout: done('gzip'), blob: done('root.tar.gz') },
      zstd: { layout: done('zstd'), blob: done('root.tar.zst') },
    };
  } finally {
    lock.release();
  }
}

/** With a link to the blob: what is measured reads it by either name. */
function writeLayout(folder: string, blob: string, compression: 'gzip' | 'zstd', diffId: Digest): void {
  const blobs = path.join(folder, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (document: unknown) => {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = digestOf(bytes);
    writeFileSync(path.join(blobs, hexOf(digest)), bytes);
    return { digest, size: bytes.length };
  };
  const digest = sha256(blob);
  execFileSync('ln', [blob, path.join(blobs, hexOf(digest))]);
  const size = Number(execFileSync('stat', ['-c', '%s', blob], { encoding: 'utf8' }));
  const config = put({
    ...{ architecture: 'amd64', os: 'linux', config: { Cmd: ['true'] } },
    rootfs: { type: 'layers', diff_ids: [diffId] },
  });
  const manifest = put({
    ...{ schemaVersion: 2, mediaType: manifestMediaType },
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: [{ mediaType: layerMediaType(compression), digest, size }],
  });
  const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
  const manifests = [{ mediaType: manifestMediaType, ...manifest, annotations }];
  writeFileSync(path.join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  writeFileSync(path.join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

function sha256(file: string): Digest {
  return `sha256:${execFileSync('sha256sum', [file], { encoding: 'utf8' }).slice(0, 64)}`;
}

function keyOf(words: readonly string[]): string {
  return createHash('sha256').update(words.join('\0')).digest('hex').slice(0, 12);
}
