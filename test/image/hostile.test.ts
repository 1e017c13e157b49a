import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { defaultLimits } from '../../src/containerizer/image/limits.js';
import { loadImage } from '../../src/containerizer/image/load.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { BerthError } from '../../src/errors/berth-error.js';
import type { ErrorCode } from '../../src/errors/table.js';
import { isNativeError, native } from '../../src/native/index.js';
import { digestOf, hexOf } from '../../src/oci-spec/digest.js';
import { berthCommand } from '../cli/berth.js';
import {
  type ImageSpec,
  type Layer,
  type LayerEntry,
  layerTar,
  thisArchitecture,
  writeBlob,
  writeImage,
  writeIndex,
} from '../fixtures/oci-image-writer.js';
import { treeOf } from './tree.js';

if (process.geteuid?.() !== 0) t.bailout('unpacking needs root: owners, capabilities, whiteouts');

const folder = t.testdir({ canary: { file: 'untouched' } });
const canary = path.join(folder, 'canary');
const untouched = treeOf(canary);
const roots = { root: path.join(folder, 'root'), state: path.join(folder, 'state') };
let made = 0;

const fresh = (): string => path.join(folder, `image-${made++}`);

/** Whatever the store holds beside its own empty folders. */
function leftovers(): string[] {
  const base = path.join(roots.root, 'images');
  if (!existsSync(base)) return [];
  const below = ['blobs/sha256', 'layers', 'sessions', '../trash'].flatMap((name) =>
    readdirSync(path.join(base, name)),
  );
  return [
    ...below,
    ...readdirSync(path.join(base, 'locks')).filter((name) => name !== 'store' && name !== 'index'),
  ];
}

async function refusal(attempt: Promise<unknown>): Promise<BerthError> {
  const error = await attempt.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (error instanceof BerthError) return error;
  throw error;
}

/** The image is refused with that code and reason, as a load and as an unpack, and nothing of it stays anywhere. */
async function refuses(
  t: Test,
  name: string,
  reference: string,
  code: ErrorCode,
  why: RegExp,
): Promise<void> {
  const target = path.join(folder, 'target');
  for (const attempt of [() => loadImage(roots, reference), () => unpackImage(roots, reference, target)]) {
    const error = await refusal(attempt());
    t.equal(error.code, code, `${name}: ${error.message}`);
    t.match(error.message, why, name);
    t.notMatch(error.message, /\n/);
  }
  t.strictSame(leftovers(), [], `${name}: nothing stays in the store`);
  t.strictSame(
    readdirSync(folder).filter((entry) => entry.includes('target')),
    [],
    `${name}: no tree stays`,
  );
  t.strictSame(treeOf(canary), untouched, `${name}: nothing outside is touched`);
}

const image = (spec: ImageSpec): string => writeImage(fresh(), spec).reference;
const imageOf = async (entries: LayerEntry[]): Promise<string> =>
  image({ layers: [{ tar: await layerTar(entries) }] });
const plainTar = (tar: Buffer): Layer => ({
  tar,
  blob: tar,
  mediaType: 'application/vnd.oci.image.layer.v1.tar',
});

t.test('entries that try to get out', async (t) => {
  const out = `${canary}/new`;
  const cases: [string, LayerEntry[], ErrorCode, RegExp][] = [
    [
      'a name with ..',
      [{ name: '../../../../../../tmp/x' }],
      'IMAGE_HOSTILE',
      /entry '.*\.\..*': its name has '\.\.' in it/,
    ],
    ['.. further in', [{ name: 'a/' }, { name: 'a/../../x' }], 'IMAGE_HOSTILE', /'\.\.'/],
    [
      'a hard link with ..',
      [{ name: 'l', type: 'link', link: `../../${canary}/file` }],
      'IMAGE_HOSTILE',
      /target has '\.\.'/,
    ],
    [
      'a hard link to a file outside',
      [{ name: 'l', type: 'link', link: `${canary}/file` }],
      'IMAGE_INVALID',
      /is not there/,
    ],
    [
      'a hard link through a symbolic link',
      [
        { name: 's', type: 'symlink', link: canary },
        { name: 'l', type: 'link', link: 's/file' },
      ],
      'IMAGE_INVALID',
      /is not there/,
    ],
    [
      'the root as a symbolic link',
      [{ name: '.', type: 'symlink', link: canary }, { name: 'x' }],
      'IMAGE_HOSTILE',
      /root/,
    ],
    [
      'the root as a file',
      [
        { name: './', type: 'file' },
        { name: '.', type: 'link', link: 'x' },
      ],
      'IMAGE_HOSTILE',
      /root/,
    ],
    ['a NUL in a pax path', [{ name: 'x', pax: { path: 'good\0/../../bad' } }], 'IMAGE_INVALID', /NUL/],
    ['a file as a parent', [{ name: 'f', content: 'x' }, { name: 'f/x' }], 'IMAGE_INVALID', /parent/],
    [
      'links in a circle',
      [{ name: 'a', type: 'symlink', link: 'b' }, { name: 'b', type: 'symlink', link: 'a' }, { name: 'a/x' }],
      'IMAGE_INVALID',
      /loop/,
    ],
    ['a whiteout of ..', [{ name: 'a/.wh...' }], 'IMAGE_INVALID', /whiteout/],
    ['a whiteout of nothing', [{ name: '.wh.' }], 'IMAGE_INVALID', /whiteout/],
    ['an unknown whiteout', [{ name: '.wh..wh.plnk' }], 'IMAGE_INVALID', /whiteout/],
    ['a folder as a whiteout', [{ name: '.wh.a/' }], 'IMAGE_INVALID', /whiteout/],
    ['something below a whiteout', [{ name: '.wh.a/b' }], 'IMAGE_INVALID', /whiteout/],
    [
      'an owner beyond the range',
      [{ name: 'x', uid: 65_536 }],
      'IMAGE_INVALID',
      /65536:0 is outside 0 to 65535/,
    ],
    ['a group beyond the range', [{ name: 'x', pax: { gid: '4294967296' } }], 'IMAGE_INVALID', /outside/],
    [
      'a hard link to a folder',
      [{ name: 'd/' }, { name: 'l', type: 'link', link: 'd' }],
      'IMAGE_INVALID',
      /directory/,
    ],
    [
      'a path too long',
      [{ name: 'x', pax: { path: 'y/'.repeat(2500) } }],
      'IMAGE_HOSTILE',
      /longer than 4096/,
    ],
    [
      'a path too deep',
      [{ name: 'x', pax: { path: `${'y/'.repeat(300)}z` } }],
      'IMAGE_HOSTILE',
      /deeper than 256/,
    ],
    [
      'a name too long for a file',
      [{ name: 'n'.repeat(300), content: out }],
      'IMAGE_INVALID',
      /ENAMETOOLONG/,
    ],
  ];
  for (const [name, entries, code, why] of cases) await refuses(t, name, await imageOf(entries), code, why);
});

t.test('entries that stay inside, wherever they point', async (t) => {
  const reference = await imageOf([
    { name: 'escape', type: 'symlink', link: '/etc' },
    { name: 'escape/through-link', content: 'inside' },
    { name: 'up', type: 'symlink', link: '../../../../../..' },
    { name: `up${canary}/file`, content: 'inside' },
    { name: `${canary}/absolute`, content: 'inside' },
    { name: 'hard', type: 'link', link: '/etc/through-link' },
    { name: 'soft', type: 'symlink', link: `${canary}/file` },
    { name: 'soft', content: 'a file in the place of the link', mode: 0o666 },
    { name: 'soft2', type: 'symlink', link: `${canary}/file` },
    { name: 'hard2', type: 'link', link: 'soft2', mode: 0o777, uid: 99 },
    { name: 'dev/null', type: 'character-device' },
    { name: 'dev/sda', type: 'block-device' },
    { name: 'evil', content: 'x', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc' } },
  ]);
  const target = path.join(folder, 'inside');
  const { warnings } = await unpackImage(roots, reference, target);
  t.match(warnings.join('\n'), /2 device nodes[\s\S]*1 extended attributes/);
  t.equal(readFileSync(path.join(target, 'etc/through-link'), 'utf8'), 'inside');
  t.equal(readFileSync(path.join(target, canary, 'file'), 'utf8'), 'inside');
  t.equal(readFileSync(path.join(target, canary, 'absolute'), 'utf8'), 'inside');
  t.equal(statSync(path.join(target, 'hard')).nlink, 2);
  t.notOk(existsSync('/etc/through-link'));
  t.notOk(existsSync(path.join(target, 'dev/null')));
  t.notMatch(
    execFileSync('getfattr', ['-d', '-m', '-', path.join(target, 'evil')], { encoding: 'utf8' }),
    /overlay/,
  );
  t.strictSame(treeOf(canary), untouched);
  rmSync(target, { recursive: true });
});

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
    ['gzip called plain', { ...plainTar(blob) }, 'IMAGE_INVALID', /gzip/],
    ['a tar that ends in a file', plainTar(tar.subarray(0, 5000)), 'IMAGE_INVALID', /ends inside an entry/],
    ['a tar that ends in a header', plainTar(tar.subarray(0, 300)), 'IMAGE_INVALID', /ends inside a header/],
    [
      'a wrong checksum',
      plainTar(Buffer.concat([Buffer.from('X'), tar.subarray(1)])),
      'IMAGE_INVALID',
      /checksum/,
    ],
    ['no tar', plainTar(Buffer.alloc(2048, 'x')), 'IMAGE_INVALID', /checksum/],
    [
      'zstd',
      { tar, mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' },
      'IMAGE_INVALID',
      /zstd layers are not supported/,
    ],
  ];
  for (const [name, layer, code, why] of cases) await refuses(t, name, image({ layers: [layer] }), code, why);
});

t.test('documents that are not what is said of them', async (t) => {
  const tar = await layerTar([{ name: 'file' }]);
  const layers = [{ tar }];
  const nested = fresh();
  writeImage(nested, { layers });
  let inner: unknown[] = [];
  for (let depth = 0; depth < 10; ++depth) {
    const index = writeBlob(nested, Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: inner })));
    inner = [{ mediaType: 'application/vnd.oci.image.index.v1+json', ...index }];
  }
  writeIndex(nested, inner);
  const changed = fresh();
  const { manifestDigest } = writeImage(changed, { layers });
  writeFileSync(path.join(changed, 'blobs/sha256', hexOf(manifestDigest)), '{}');
  const fifo = fresh();
  writeImage(fifo, { layers });
  rmSync(path.join(fifo, 'index.json'));
  execFileSync('mkfifo', [path.join(fifo, 'index.json')]);
  const other = thisArchitecture === 's390x' ? 'amd64' : 's390x';
  const many = Array.from({ length: 501 }, () => ({ mediaType: 'x', digest: digestOf('x'), size: 1 }));

  const cases: [string, string, ErrorCode, RegExp][] = [
    ['no such folder', `oci:${folder}/nowhere`, 'IMAGE_NOT_FOUND', /not an OCI layout/],
    ['no such tag', `${image({ layers }).replace(/:latest$/, '')}:nope`, 'IMAGE_NOT_FOUND', /tagged nope/],
    ['no such name', 'never-loaded:1', 'IMAGE_NOT_FOUND', /not in the store/],
    [
      'both an index and a manifest',
      image({ layers, manifest: (m) => ({ ...m, manifests: [] }) }),
      'IMAGE_INVALID',
      /both/,
    ],
    [
      'a lie about the type',
      image({ layers, manifest: (m) => ({ ...m, mediaType: 'application/vnd.oci.image.index.v1+json' }) }),
      'IMAGE_INVALID',
      /calls itself/,
    ],
    [
      'more layers than diff ids',
      image({ layers, manifest: (m) => ({ ...m, layers: [] }) }),
      'IMAGE_INVALID',
      /0 layers/,
    ],
    [
      'too many layers',
      image({ layers, manifest: (m) => ({ ...m, layers: many }) }),
      'IMAGE_INVALID',
      /at most 500/,
    ],
    ['another machine', image({ layers, architecture: other }), 'PLATFORM_MISSING', new RegExp(other)],
    [
      'an Env with no value',
      image({ layers, config: { Env: ['AWS_*'] } }),
      'IMAGE_INVALID',
      /Env\[0\] is not NAME=VALUE/,
    ],
    ['indexes in indexes', `oci:${nested}`, 'IMAGE_HOSTILE', /nests more than/],
    ['a changed manifest', `oci:${changed}`, 'IMAGE_CORRUPT', /should have \d+ bytes and has 2/],
    [
      'a digest that is a path',
      image({
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
  for (const [name, reference, code, why] of cases) await refuses(t, name, reference, code, why);
});

t.test('bombs', async (t) => {
  const zeros = Buffer.alloc(80 * 2 ** 20);
  const tar = await layerTar([{ name: 'zeros', content: zeros }]);
  const bomb = { tar, blob: gzipSync(tar, { level: 9 }) };
  await refuses(t, 'a decompression bomb', image({ layers: [bomb] }), 'IMAGE_HOSTILE', /bomb/);

  const small = await layerTar([
    { name: 'a/b/' },
    { name: 'a/b/c', content: 'x'.repeat(5000), pax: { comment: 'y'.repeat(3000) } },
  ]);
  const file = path.join(folder, 'small.tar');
  writeFileSync(file, small);
  const limited = async (limits: Partial<typeof defaultLimits>): Promise<string> => {
    const target = path.join(folder, 'limited');
    const request = {
      blob: file,
      compression: 'none' as const,
      digest: hexOf(digestOf(small)),
      diffId: hexOf(digestOf(small)),
    };
    const rest = {
      size: small.length,
      target,
      mode: 'overlay' as const,
      lowers: [],
      overLower: false,
      copy: '',
    };
    try {
      await native().unpackLayer({ ...request, ...rest, limits: { ...defaultLimits, ...limits } });
      await native().removeTree(target);
      return 'accepted';
    } catch (error) {
      t.notOk(existsSync(target));
      return isNativeError(error) ? error.code : String(error);
    }
  };
  t.equal(await limited({}), 'accepted');
  for (const limits of [
    { bytes: 1000 },
    { entries: 2 },
    { pathLength: 4 },
    { depth: 2 },
    { paxBytes: 100 },
    { directoryBytes: 10 },
  ]) {
    t.equal(await limited(limits), 'LIMIT_EXCEEDED', JSON.stringify(limits));
  }
  t.equal(await limited({ ratio: 1, ratioGrace: 1 }), 'accepted', 'a plain archive is no bomb');
});

t.test('no space: one line, and what was there before is all there is', async (t) => {
  const tar = await layerTar([
    { name: 'big', content: Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * i) % 253)) },
  ]);
  const reference = image({ layers: [plainTar(tar)] });
  const script = `
    mount -t tmpfs -o size=2m tmpfs "$1" || exit 99
    shift
    "$@" 2>&1; echo "status $?"
    find "$BERTH_ROOT" -type f ! -path '*/locks/*' ! -name index.json; find "$BERTH_ROOT" -type d -path '*/layers/*'`;
  const small = path.join(folder, 'small');
  mkdirSync(small);
  const environment = { ...process.env, BERTH_ROOT: path.join(small, 'root') };
  const command = ['-m', 'sh', '-c', script, 'sh', small, ...berthCommand, 'image', 'load', reference];
  const output = execFileSync('unshare', command, { encoding: 'utf8', env: environment }).trim().split('\n');
  t.match(
    output.find((line) => line.startsWith('berth:')),
    /layer 1 of 1 .*no space is left on the disk/,
  );
  t.equal(output.at(-1), 'status 125');
});

t.test('not root: one line', async (t) => {
  const reference = await imageOf([{ name: 'x' }]);
  const command = [
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    ...berthCommand,
    'image',
    'load',
    reference,
  ];
  const environment = { ...process.env, BERTH_ROOT: path.join(folder, 'nobodys') };
  let failed: { status?: number; stderr?: string } = {};
  try {
    execFileSync('setpriv', command, { encoding: 'utf8', env: environment, stdio: 'pipe' });
  } catch (error) {
    failed = error as typeof failed;
  }
  t.equal(failed.status, 125);
  t.match(failed.stderr, /^berth: image oci:\S+: unpacking .* needs root\nRun it as root.*\n$/);
  t.notOk(existsSync(path.join(folder, 'nobodys')));
});
