import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { defaultLimits } from '../../src/containerizer/image/limits.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import type { ErrorCode } from '../../src/errors/table.js';
import { isNativeError, native } from '../../src/native/index.js';
import { digestOf, hexOf } from '../../src/oci-spec/digest.js';
import { berthCommand } from '../cli/berth.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { type LayerEntry, layerTar } from '../fixtures/oci-image-writer.js';
import { plainLayer, Stage } from './stage.js';

if (process.geteuid?.() !== 0) t.bailout('unpacking needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t, { 'canary/file': 'untouched' });
const stage = new Stage(folder);
const { canary } = stage;

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
  for (const [name, entries, code, why] of cases)
    await stage.refuses(t, name, await stage.imageOf(entries), code, why);
});

t.test('entries that stay inside, wherever they point', async (t) => {
  const reference = await stage.imageOf([
    { name: 'escape', type: 'symlink', link: '/etc' },
    { name: 'escape/through-link', content: 'inside' },
    { name: 'up', type: 'symlink', link: '../../../../../..' },
    { name: `up${canary}/file`, content: 'inside' },
    { name: 'hard', type: 'link', link: 'etc/through-link' },
    { name: '/absolute', content: 'inside' },
    { name: '//absolute-link', type: 'link', link: '/absolute' },
    { name: 'soft', type: 'symlink', link: `${canary}/file` },
    { name: 'soft', content: 'a file in the place of the link', mode: 0o666 },
    { name: 'soft2', type: 'symlink', link: `${canary}/file` },
    { name: 'hard2', type: 'link', link: 'soft2', mode: 0o777, uid: 99 },
    { name: 'dev/null', type: 'character-device' },
    { name: 'dev/sda', type: 'block-device' },
    { name: 'evil', content: 'x', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc' } },
  ]);
  const target = path.join(folder, 'inside');
  const { warnings } = await unpackImage(stage.roots, reference, target);
  t.match(warnings.join('\n'), /2 device nodes[\s\S]*1 extended attributes/);
  t.equal(readFileSync(path.join(target, 'etc/through-link'), 'utf8'), 'inside');
  t.equal(readFileSync(path.join(target, canary, 'file'), 'utf8'), 'inside');
  t.equal(statSync(path.join(target, 'hard')).nlink, 2);
  t.equal(statSync(path.join(target, 'absolute')).nlink, 2, 'a leading slash is the root of the image');
  t.notOk(existsSync('/etc/through-link'));
  t.notOk(existsSync('/absolute'));
  t.notOk(existsSync(path.join(target, 'dev/null')));
  t.notMatch(
    execFileSync('getfattr', ['-d', '-m', '-', path.join(target, 'evil')], { encoding: 'utf8' }),
    /overlay/,
  );
  stage.checkCanary(t);
  rmSync(target, { recursive: true });
});

t.test('bombs', async (t) => {
  const zeros = Buffer.alloc(80 * 2 ** 20);
  const tar = await layerTar([{ name: 'zeros', content: zeros }]);
  const bomb = { tar, blob: gzipSync(tar, { level: 9 }) };
  await stage.refuses(t, 'a decompression bomb', stage.image({ layers: [bomb] }), 'IMAGE_HOSTILE', /bomb/);

  const small = await layerTar([
    { name: 'a/b/' },
    { name: 'a/b/c', content: 'x'.repeat(5000), pax: { comment: 'y'.repeat(3000) } },
  ]);
  const file = path.join(folder, 'small.tar');
  const limited = async (limits: Partial<typeof defaultLimits>, layer = small): Promise<string> => {
    const target = path.join(folder, 'limited');
    writeFileSync(file, layer);
    const request = {
      blob: file,
      compression: 'none' as const,
      digest: hexOf(digestOf(layer)),
      diffId: hexOf(digestOf(layer)),
    };
    const rest = {
      size: layer.length,
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
  // Bytes that are no file's, and a file that only says that it is large.
  const empty = await layerTar([{ name: 'a' }]);
  t.equal(await limited({ bytes: empty.length }, empty), 'accepted');
  t.equal(await limited({ bytes: empty.length - 1 }, empty), 'LIMIT_EXCEEDED', 'what follows the archive');
  const cut = (await layerTar([{ name: 'a', content: 'x'.repeat(5000) }])).subarray(0, 1024);
  t.equal(await limited({ bytes: 4999 }, cut), 'LIMIT_EXCEEDED', 'before it is written');
});

t.test('no space: one line, and what was there before is all there is', async (t) => {
  const tar = await layerTar([
    { name: 'big', content: Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * i) % 253)) },
  ]);
  const script = `
    mount -t tmpfs -o size=2m tmpfs "$1" || exit 99
    shift
    "$@" 2>&1; echo "status $?"
    find "$BERTH_ROOT" -type f ! -path '*/locks/*' ! -name index.json; find "$BERTH_ROOT" -type d -path '*/layers/*'`;
  const small = path.join(folder, 'small');
  mkdirSync(small);
  const environment = { ...process.env, BERTH_ROOT: path.join(small, 'root') };
  for (const [what, layer, said] of [
    ['known before', plainLayer(tar), /it needs \d+ bytes .* \d+ are missing/],
    ['found while unpacking', { tar }, /layer 1 of 1 .*no space is left on the disk/],
  ] as const) {
    const reference = stage.image({ layers: [layer] });
    const command = ['-m', 'sh', '-c', script, 'sh', small, ...berthCommand, 'image', 'load', reference];
    const output = execFileSync('unshare', command, { encoding: 'utf8', env: environment })
      .trim()
      .split('\n');
    t.match(
      output.find((line) => line.startsWith('berth:')),
      said,
      what,
    );
    t.equal(output.at(-1), 'status 125', what);
  }
});

t.test('not root: one line', async (t) => {
  const reference = await stage.imageOf([{ name: 'x' }]);
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
