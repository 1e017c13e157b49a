import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { setLayerForm } from '../../src/containerizer/image/layer-form.js';
import { addImage } from '../../src/containerizer/image/load.js';
import { openAgain } from '../../src/containerizer/image/open-layer.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { parseReference } from '../../src/containerizer/image/reference.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { makeStore } from '../../src/containerizer/image/store.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { debianImage } from '../fixtures/debian-image.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { type LayerEntry, layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { treeOf } from './tree.js';

if (process.geteuid?.() !== 0) t.bailout('unpacking needs root: owners, capabilities, whiteouts');

const rootsIn = (folder: string) => ({ root: path.join(folder, 'root'), state: path.join(folder, 'state') });

/** What `umoci raw unpack` makes of it; device nodes, which berth leaves out, taken away. */
function byUmoci(dir: string, tag: string, folder: string): string {
  const target = path.join(folder, 'umoci');
  execFileSync('umoci', ['raw', 'unpack', '--image', `${dir}:${tag}`, target], { stdio: 'ignore' });
  execFileSync('find', [target, '(', '-type', 'b', '-o', '-type', 'c', ')', '-delete']);
  return target;
}

/** Lines of one that the other lacks: short enough to read when a tree of ten thousand files differs. */
function differences(ours: string[], theirs: string[]): string[] {
  const [a, b] = [new Set(ours), new Set(theirs)];
  return [
    ...ours.filter((x) => !b.has(x)).map((x) => `ours ${x}`),
    ...theirs.filter((x) => !a.has(x)).map((x) => `umoci ${x}`),
  ].slice(0, 20);
}

/** The image as a container would see it: overlayfs over the stored layers, copied out of a private mount namespace. */
async function throughOverlay(folder: string, reference: string): Promise<string> {
  const { layers } = await provideImage(rootsIn(folder), reference);
  const target = path.join(folder, 'overlay');
  const mountpoint = path.join(folder, 'mounted');
  const empty = path.join(folder, 'empty');
  mkdirSync(mountpoint);
  mkdirSync(empty);
  // Without an upper directory overlayfs asks for two lower ones.
  const options = `lowerdir=${[...layers, empty].join(':')}`;
  const script = 'mount -t overlay overlay -o "$1" "$2" && cp -a "$2" "$3"';
  execFileSync('unshare', ['-m', 'sh', '-c', script, 'sh', options, mountpoint, target]);
  return target;
}

t.test('a Debian root file system is entry by entry what umoci makes of it', async (t) => {
  const folder = diskFolder(t);
  const { dir, tag, reference } = await debianImage();
  const ours = path.join(folder, 'ours');
  const { warnings, entries } = await unpackImage(rootsIn(folder), reference, ours);
  t.ok(entries > 5000);
  t.match(warnings, [/device nodes left out/]);
  const skip = (name: string) => name === '/dev';
  const theirs = treeOf(byUmoci(dir, tag, folder), { skip });
  t.strictSame(differences(treeOf(ours, { skip }), theirs), []);
  t.ok(theirs.length > 5000);

  makeStore(rootsIn(folder));
  await setLayerForm(rootsIn(folder), 'folder');
  await addImage(rootsIn(folder), parseReference(reference), reference, 'debian:latest', () => {});
  const { layers } = await provideImage(rootsIn(folder), 'debian');
  t.equal(layers.length, 1);
  t.strictSame(differences(treeOf(layers[0] ?? '', { skip }), theirs), []);

  const asImages = rootsIn(path.join(folder, 'images'));
  makeStore(asImages);
  await setLayerForm(asImages, 'erofs');
  await addImage(asImages, parseReference(reference), reference, 'debian:latest', () => {});
  const image = await provideImage(asImages, 'debian');
  const [layer = ''] = image.layers;
  openAgain(asImages, image.layers);
  t.strictSame(differences(treeOf(layer, { skip }), theirs), []);
  if (image.mounted?.length === 1)
    execFileSync('fsck.erofs', [path.join(path.dirname(layer), 'fs.erofs')], { stdio: 'pipe' });
  await removeImage(asImages, 'debian', () => undefined);
});

const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex').toString('latin1');

/** Three layers with whatever layers can do to each other. */
const stack: LayerEntry[][] = [
  [
    { name: './', mode: 0o755 },
    { name: 'usr/' },
    { name: 'usr/lib/', mode: 0o2775, gid: 50 },
    { name: 'usr/lib/a.so', content: 'a'.repeat(70_000) },
    { name: 'lib', type: 'symlink', link: 'usr/lib' },
    { name: 'abs', type: 'symlink', link: '/usr/lib' },
    { name: 'gone', content: 'x' },
    { name: 'gone-folder/deep/' },
    { name: 'gone-folder/deep/file', content: 'x' },
    { name: 'opaque/', mode: 0o700, uid: 7, gid: 8 },
    { name: 'opaque/old', content: 'old' },
    { name: 'opaque/sub/' },
    { name: 'opaque/sub/old', content: 'old' },
    { name: 'readonly/', mode: 0o555, uid: 33, gid: 33, mtime: new Date('2001-01-01T00:00:00Z') },
    { name: 'readonly/first', content: '1' },
    { name: 'link-target', content: 'shared', mode: 0o4755, uid: 12 },
    { name: 'becomes-folder', content: 'file' },
    { name: 'becomes-file/' },
    { name: 'becomes-file/x', content: 'x' },
    { name: 'ping', content: 'ping', mode: 0o755, pax: { 'SCHILY.xattr.security.capability': capability } },
    { name: 'sticky/', mode: 0o1777 },
    { name: 'remade/' },
    { name: 'remade/old', content: 'old' },
  ],
  [
    { name: '.wh.gone' },
    { name: '.wh.gone-folder' },
    { name: 'opaque/new', content: 'new' },
    { name: 'opaque/.wh..wh..opq' },
    { name: 'opaque/sub/' },
    { name: 'opaque/sub/new', content: 'new' },
    { name: 'lib/b.so', content: 'b' },
    { name: 'abs/c.so', content: 'c' },
    { name: 'readonly/second', content: '2' },
    { name: 'linked', type: 'link', link: 'link-target' },
    { name: 'sub/linked', type: 'link', link: 'lib/a.so' },
    { name: 'becomes-folder/' },
    { name: 'becomes-folder/inside', content: 'inside' },
    { name: 'becomes-file', content: 'file' },
    { name: '.wh.remade' },
    { name: 'remade/' },
    { name: 'remade/new', content: 'new' },
    { name: '.wh.never-was' },
    { name: 'fifo', type: 'fifo', mode: 0o640, gid: 5 },
    { name: 'later/.wh.x' },
  ],
  [
    { name: 'twice', content: 'first' },
    { name: 'twice', content: 'second, and last', mode: 0o600 },
    { name: 'opaque/.wh.new' },
    { name: 'opaque/third', content: '3' },
    { name: 'linked-again', type: 'link', link: 'linked' },
    { name: 'setid', content: 'x', mode: 0o6755, uid: 1000, gid: 1000 },
    { name: 'user-attr', content: 'x', pax: { 'SCHILY.xattr.user.note': 'a note' } },
    { name: 'pax-time', content: 'x', pax: { mtime: '1234567890.123456789' } },
    { name: `long/${'n'.repeat(200)}/${'m'.repeat(200)}`, content: 'long' },
  ],
];

async function stackImage(folder: string): Promise<string> {
  const layers = await Promise.all(stack.map(async (entries) => ({ tar: await layerTar(entries) })));
  return writeImage(path.join(folder, 'image'), { layers }).reference;
}

t.test(
  'whiteouts, links and capabilities across layers: plain tree, overlayfs and umoci agree',
  async (t) => {
    const folder = diskFolder(t);
    const reference = await stackImage(folder);
    const ours = path.join(folder, 'ours');
    await unpackImage(rootsIn(folder), reference, ours);
    const tree = treeOf(ours);

    // Folders that no layer describes have a time of the unpacker's choice (umoci's is now, berth's the epoch); and umoci does not
    // restore the root's.
    const implied = /^\/(|sub|later|long|long\/n+) /;
    const undated = (lines: string[]) =>
      lines.map((line) => (implied.test(line) ? line.replace(/ \d+(\.\d+)?$/, '') : line));
    t.strictSame(
      differences(undated(tree), undated(treeOf(byUmoci(path.join(folder, 'image'), 'latest', folder)))),
      [],
    );

    const merged = treeOf(await throughOverlay(folder, reference));
    // A hard link to a file of a lower layer is one to a copy in its own layer: names in different layers are different files.
    const unlinked = (lines: string[]) =>
      lines.map((line) => line.replace(/ links [0-9]+( same as [^ ]+)?/, ''));
    t.strictSame(differences(unlinked(merged), unlinked(tree)), []);

    t.equal(
      statSync(path.join(ours, 'usr/lib')).mode & 0o7777,
      0o2775,
      'a set-id bit of a folder is not inherited',
    );
    t.equal(statSync(path.join(ours, 'usr/lib/b.so')).gid, 0);
    t.equal(statSync(path.join(ours, 'readonly')).mtimeMs, Date.parse('2001-01-01T00:00:00Z'));
  },
);

t.test('an opaque root hides every layer below', async (t) => {
  const folder = diskFolder(t);
  const tars = await Promise.all(
    [[{ name: 'below', content: 'x' }], [{ name: '.wh..wh..opq' }, { name: 'above', content: 'x' }]].map(
      layerTar,
    ),
  );
  const { reference } = writeImage(path.join(folder, 'image'), { layers: tars.map((tar) => ({ tar })) });
  await unpackImage(rootsIn(folder), reference, path.join(folder, 'ours'));
  const tree = treeOf(path.join(folder, 'ours'), { times: false });
  t.notMatch(tree.join('\n'), /below/);
  const { layers } = await provideImage(rootsIn(folder), reference);
  t.equal(layers.length, 1);
  t.strictSame(treeOf(await throughOverlay(folder, reference), { times: false }), tree);
});

t.test('every format that GNU tar writes', async (t) => {
  const folder = diskFolder(t);
  const source = path.join(folder, 'source');
  execFileSync('sh', [
    '-c',
    `
    set -e
    mkdir -p "$1/d/${'x'.repeat(60)}/${'y'.repeat(60)}"
    echo hello >"$1/d/${'x'.repeat(60)}/${'y'.repeat(60)}/file"
    ln "$1/d/${'x'.repeat(60)}/${'y'.repeat(60)}/file" "$1/hard"
    ln -s "${'t'.repeat(90)}" "$1/soft"
    mkfifo "$1/fifo"
    chown 33:44 "$1/hard"; chmod 4711 "$1/hard"
    chown -h 5:6 "$1/soft"
    printf 'latin \\351' >"$1/$(printf 'nam\\351')"
    truncate -s 3M "$1/sparse"
    for at in 0 100 200 300 400 500 600; do
      printf 'data at %s' $at | dd of="$1/sparse" bs=1k seek=$((at * 4)) conv=notrunc status=none
    done
    truncate -s 1M "$1/empty-sparse"
    : >"$1/empty"
    find "$1" -depth -exec touch -h -d @1500000000 {} +
  `,
    'sh',
    source,
  ]);
  const expected = treeOf(source);
  const formats = [
    ['--format=gnu'],
    ['--format=oldgnu'],
    ['--format=posix'],
    ['--format=gnu', '--sparse'],
    ['--format=posix', '--sparse', '--sparse-version=0.0'],
    ['--format=posix', '--sparse', '--sparse-version=0.1'],
    ['--format=posix', '--sparse', '--sparse-version=1.0'],
  ];
  for (const flags of formats) {
    const tar = execFileSync('tar', ['-C', source, ...flags, '-c', '.'], { maxBuffer: 1 << 28 });
    const name = flags.join('_').replace(/[^a-z0-9.]/g, '');
    const plain = { tar, blob: tar, mediaType: 'application/vnd.oci.image.layer.v1.tar' };
    const { reference } = writeImage(path.join(folder, name), { layers: [plain] });
    const ours = path.join(folder, `${name}-ours`);
    await unpackImage(rootsIn(folder), reference, ours);
    t.strictSame(treeOf(ours), expected, flags.join(' '));
    if (flags.includes('--sparse'))
      t.ok(statSync(path.join(ours, 'sparse')).blocks < 1024, 'holes stay holes');
  }
});

t.test('gzip of several members, of stored and of empty blocks', async (t) => {
  const folder = diskFolder(t);
  const tar = await layerTar([
    { name: 'noise', content: Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251)) },
  ]);
  const third = Math.floor(tar.length / 3);
  const blobs = {
    one: gzipSync(tar),
    stored: gzipSync(tar, { level: 0 }),
    several: Buffer.concat([
      gzipSync(tar.subarray(0, third)),
      gzipSync(Buffer.alloc(0)),
      gzipSync(tar.subarray(third)),
    ]),
    many: Buffer.concat(
      Array.from({ length: Math.ceil(tar.length / 1000) }, (_, i) =>
        gzipSync(tar.subarray(i * 1000, i * 1000 + 1000)),
      ),
    ),
  };
  for (const [name, blob] of Object.entries(blobs)) {
    const { reference } = writeImage(path.join(folder, name), { layers: [{ tar, blob }] });
    await unpackImage(rootsIn(folder), reference, path.join(folder, `${name}-ours`));
    t.equal(readFileSync(path.join(folder, `${name}-ours`, 'noise')).length, 300_000, name);
  }
  rmSync(folder, { recursive: true });
});

t.test('everything that tar can say, from other writers', async (t) => {
  const folder = diskFolder(t);
  const unpacked = async (name: string, tar: Buffer) => {
    const plain = { tar, blob: tar, mediaType: 'application/vnd.oci.image.layer.v1.tar' };
    const { reference } = writeImage(path.join(folder, `${name}-image`), { layers: [plain] });
    const target = path.join(folder, name);
    await unpackImage(rootsIn(folder), reference, target);
    return target;
  };
  const source = path.join(folder, 'source');
  execFileSync('sh', [
    '-c',
    `set -e
     mkdir -p "$1/deep"
     printf x >"$1/$(printf 'n\\377me')"; ln "$1/$(printf 'n\\377me')" "$1/deep/hard"
     truncate -s 1T "$1/huge"; printf end >>"$1/huge"
     printf y >"$1/capable"; chown 1:2 "$1/capable"; chmod 6755 "$1/capable"; setcap cap_net_raw+ep "$1/capable"
     setfattr -n user.note -v 'a note' "$1/capable"
     printf z >"$1/old"; touch -d '1931-02-03 04:05:06 UTC' "$1/old"
     touch -d '2021-02-03 04:05:06.123456789 UTC' "$1/capable"; mkfifo "$1/fifo"; chmod 1777 "$1/deep"
     find "$1" ! -name old ! -name capable -exec touch -h -d '2020-01-01 00:00:00 UTC' {} +`,
    'sh',
    source,
  ]);
  const skip = (name: string) => name === '/huge';
  const expected = treeOf(source, { skip });
  const gnu = ['-C', source, '--xattrs', '--xattrs-include=*', '--sparse', '--format=posix', '-cf', '-', '.'];
  const archives = {
    gnu: execFileSync('tar', gnu, { maxBuffer: 1 << 28 }),
    absolute: execFileSync('tar', [...gnu.slice(0, -1), '-P', '--transform=s,^\\.,/,rSh', '.'], {
      maxBuffer: 1 << 28,
    }),
    bsdtar: execFileSync('bsdtar', ['-C', source, '--format=pax', '--read-sparse', '-cf', '-', '.'], {
      maxBuffer: 1 << 28,
    }),
  };
  for (const [name, tar] of Object.entries(archives)) {
    const target = await unpacked(name, tar);
    t.strictSame(differences(treeOf(target, { skip }), expected), [], name);
    const { size, blocks } = statSync(path.join(target, 'huge'));
    t.equal(size, 2 ** 40 + 3, name);
    t.ok(blocks < 1024, `${name}: a hole of a terabyte takes no place`);
  }

  const python = `
import io, sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.PAX_FORMAT, pax_headers={'comment': 'c', 'SCHILY.xattr.user.all': 'yes'})
def add(name, type=tarfile.REGTYPE, data=b'', link='', mode=0o644, mtime=1577836800):
    info = tarfile.TarInfo(name); info.type = type; info.size = len(data); info.linkname = link; info.mode = mode; info.mtime = mtime
    out.addfile(info, io.BytesIO(data))
add('a/b/c/child', data=b'before its parents')
add('a/b', tarfile.DIRTYPE, mode=0o711)
add('retyped', tarfile.DIRTYPE, mode=0o755)
add('retyped/inside', data=b'goes')
add('retyped', data=b'a file now')
add('back', data=b'a file')
add('back', tarfile.DIRTYPE, mode=0o700)
add('twice', data=b'first'); add('twice', data=b'last')
add('later', tarfile.SYMTYPE, link='a/b/c/child')
add('old', data=b'o', mtime=-12345.5)
out.close()`;
  const target = await unpacked('python', execFileSync('python3', ['-c', python], { maxBuffer: 1 << 28 }));
  const tree = treeOf(target).join('\n');
  t.match(tree, /^\/a\/b 40711 /m);
  t.match(tree, /^\/retyped 100644 0:0 10 /m);
  t.match(tree, /^\/back 40700 /m);
  t.match(tree, /^\/old .* -12345500$/m);
  t.equal(readFileSync(path.join(target, 'twice'), 'utf8'), 'last');
  t.equal(readFileSync(path.join(target, 'later'), 'utf8'), 'before its parents');
  t.match(tree, /user\.all=0x796573/, 'global records hold');

  t.strictSame(treeOf(await unpacked('nothing', Buffer.alloc(0)), { times: false }), ['/ 40755 0:0']);
  const trailing = Buffer.concat([await layerTar([{ name: 'x' }]), Buffer.alloc(3000, 'garbage')]);
  t.match(treeOf(await unpacked('trailing', trailing)).join(), /\/x/);
  const label = execFileSync('tar', ['-C', source, '--format=gnu', '-V', 'label', '-cf', '-', 'old']);
  t.strictSame(treeOf(await unpacked('label', label), { times: false }).length, 2, 'a label is no file');
  const early = await layerTar([{ name: 'l', type: 'link', link: 'comes-later' }, { name: 'comes-later' }]);
  await t.rejects(unpacked('early', early), { code: 'IMAGE_INVALID', message: /'comes-later' is not there/ });
});
