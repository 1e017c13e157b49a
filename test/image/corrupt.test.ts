import { execFileSync } from 'node:child_process';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { loadImage } from '../../src/containerizer/image/load.js';
import type { ErrorCode } from '../../src/errors/table.js';
import { digestOf, hexOf } from '../../src/oci-spec/digest.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import {
  type Layer,
  layerTar,
  thisArchitecture,
  writeBlob,
  writeImage,
  writeIndex,
} from '../fixtures/oci-image-writer.js';
import { plainLayer, Stage } from './stage.js';

if (process.geteuid?.() !== 0) t.bailout('unpacking needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t, { 'canary/file': 'untouched' });
const stage = new Stage(folder);

t.test('blobs that are not what is said of them', async (t) => {
  const tar = await layerTar([{ name: 'file', content: 'x'.repeat(100_000) }]);
  const blob = gzipSync(tar);
  const flipped = Buffer.from(blob);
  flipped[blob.length >> 1] = (flipped[blob.length >> 1] ?? 0) ^ 0x55;
  const digest = digestOf(blob);
  const other = digestOf('something else');
  const cases: [string, Layer, ErrorCode, RegExp][] = [
    [
      'a flipped bit',
      { tar, blob: flipped, digest },
      'IMAGE_CORRUPT',
      new RegExp(`layer 1 of 1.*should be ${digest} and is sha256:`),
    ],
    [
      'a truncated blob',
      { tar, blob: blob.subarray(0, 100), digest, size: blob.length },
      'IMAGE_CORRUPT',
      /size should be \d+ and is 100/,
    ],
    ['a wrong digest', { tar, digest: other }, 'IMAGE_CORRUPT', /digest should be/],
    ['a wrong size', { tar, size: 5 }, 'IMAGE_CORRUPT', /size should be 5 and is/],
    ['a wrong diff id', { tar, diffId: other }, 'IMAGE_CORRUPT', /diff id should be/],
    ['a missing blob', { tar, absent: true }, 'IMAGE_INVALID', /missing/],
    ['gzip that ends early', { tar, blob: blob.subarray(0, 100) }, 'IMAGE_INVALID', /end too early/],
    ['gzip with a damaged middle', { tar, blob: flipped }, 'IMAGE_INVALID', /damaged|checksum/],
    [
      'gzip with rubbish behind it',
      { tar, blob: Buffer.concat([blob, Buffer.from('rubbish'.repeat(9))]) },
      'IMAGE_INVALID',
      /not gzip/,
    ],
    ['no gzip at all', { tar, blob: tar }, 'IMAGE_INVALID', /not gzip/],
    ['gzip called plain', { ...plainLayer(blob) }, 'IMAGE_INVALID', /gzip/],
    ['a tar that ends in a file', plainLayer(tar.subarray(0, 5000)), 'IMAGE_INVALID', /ends inside an entry/],
    [
      'a tar that ends in a header',
      plainLayer(tar.subarray(0, 300)),
      'IMAGE_INVALID',
      /ends inside a header/,
    ],
    [
      'a wrong checksum',
      plainLayer(Buffer.concat([Buffer.from('X'), tar.subarray(1)])),
      'IMAGE_INVALID',
      /checksum/,
    ],
    ['no tar', plainLayer(Buffer.alloc(2048, 'x')), 'IMAGE_INVALID', /checksum/],
    [
      'gzip called zstd',
      { tar, mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' },
      'IMAGE_INVALID',
      /zstd data are refused/,
    ],
    [
      'xz',
      { tar, mediaType: 'application/vnd.oci.image.layer.v1.tar+xz' },
      'IMAGE_INVALID',
      /not a known kind of layer/,
    ],
  ];
  for (const [name, layer, code, why] of cases)
    await stage.refuses(t, name, stage.image({ layers: [layer] }), code, why);
});

t.test('documents that are not what is said of them', async (t) => {
  const tar = await layerTar([{ name: 'file' }]);
  const layers = [{ tar }];
  const nested = stage.fresh();
  writeImage(nested, { layers });
  let inner: unknown[] = [];
  for (let depth = 0; depth < 10; ++depth) {
    const index = writeBlob(nested, Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: inner })));
    inner = [{ mediaType: 'application/vnd.oci.image.index.v1+json', ...index }];
  }
  writeIndex(nested, inner);
  const changed = stage.fresh();
  const { manifestDigest } = writeImage(changed, { layers });
  writeFileSync(path.join(changed, 'blobs/sha256', hexOf(manifestDigest)), '{}');
  const fifo = stage.fresh();
  writeImage(fifo, { layers });
  rmSync(path.join(fifo, 'index.json'));
  execFileSync('mkfifo', [path.join(fifo, 'index.json')]);
  const other = thisArchitecture === 's390x' ? 'amd64' : 's390x';
  const many = Array.from({ length: 501 }, () => ({ mediaType: 'x', digest: digestOf('x'), size: 1 }));

  const cases: [string, string, ErrorCode, RegExp][] = [
    ['no such folder', `oci:${folder}/nowhere`, 'IMAGE_NOT_FOUND', /not an OCI layout/],
    [
      'no such tag',
      `${stage.image({ layers }).replace(/:latest$/, '')}:nope`,
      'IMAGE_NOT_FOUND',
      /tagged nope/,
    ],
    ['no such name', 'never-loaded:1', 'IMAGE_NOT_FOUND', /not in the store/],
    [
      'both an index and a manifest',
      stage.image({ layers, manifest: (m) => ({ ...m, manifests: [] }) }),
      'IMAGE_INVALID',
      /both/,
    ],
    [
      'a lie about the type',
      stage.image({
        layers,
        manifest: (m) => ({ ...m, mediaType: 'application/vnd.oci.image.index.v1+json' }),
      }),
      'IMAGE_INVALID',
      /calls itself/,
    ],
    [
      'more layers than diff ids',
      stage.image({ layers, manifest: (m) => ({ ...m, layers: [] }) }),
      'IMAGE_INVALID',
      /0 layers/,
    ],
    [
      'too many layers',
      stage.image({ layers, manifest: (m) => ({ ...m, layers: many }) }),
      'IMAGE_INVALID',
      /at most 500/,
    ],
    ['another machine', stage.image({ layers, architecture: other }), 'PLATFORM_MISSING', new RegExp(other)],
    [
      'an Env with no value',
      stage.image({ layers, config: { Env: ['AWS_*'] } }),
      'IMAGE_INVALID',
      /Env\[0\] is not NAME=VALUE/,
    ],
    ['indexes in indexes', `oci:${nested}`, 'IMAGE_HOSTILE', /nests more than/],
    ['a changed manifest', `oci:${changed}`, 'IMAGE_CORRUPT', /should have \d+ bytes and has 2/],
    [
      'a digest that is a path',
      stage.image({
        layers,
        manifest: (m) => ({
          ...m,
          config: { mediaType: 'x', digest: 'sha256:../../../etc/passwd', size: 1 },
        }),
      }),
      'IMAGE_INVALID',
      /digest/,
    ],
    ['a fifo as index.json', `oci:${fifo}`, 'IMAGE_INVALID', /not a regular file/],
  ];
  for (const [name, reference, code, why] of cases) await stage.refuses(t, name, reference, code, why);
});

t.test('what cannot fit is refused before anything is read', async (t) => {
  const tar = await layerTar([{ name: 'file' }]);
  const size = 8 * 2 ** 40;
  const digest = digestOf('not read');
  const at = stage.fresh();
  const { reference } = writeImage(at, { layers: [{ tar, digest, size }] });
  truncateSync(path.join(at, 'blobs/sha256', hexOf(digest)), size);
  await t.rejects(loadImage(stage.roots, reference), {
    code: 'NO_SPACE',
    message: /it needs \d+ bytes .* and at least \d+ unpacked, and .* has \d+ free: \d+ are missing/,
  });
});
