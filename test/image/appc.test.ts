import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { inspectImage, listImages } from '../../src/containerizer/image/list.js';
import { loadImage } from '../../src/containerizer/image/load.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { BerthError } from '../../src/errors/berth-error.js';
import { aciEntries, aciManifest, builtByActool, writeAci } from '../fixtures/aci.js';
import { compressed } from '../fixtures/archive-writer.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { type LayerEntry, layerTar } from '../fixtures/oci-image-writer.js';
import { Stage } from './stage.js';
import { treeOf } from './tree.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t, { 'canary/file': 'untouched' });
let stages = 0;
/** Each with a store of its own. */
const freshStage = () => {
  const own = path.join(folder, `stage-${stages++}`);
  mkdirSync(path.join(own, 'canary'), { recursive: true });
  return new Stage(own);
};
const fresh = () => path.join(folder, `image-${stages++}.aci`);

const files: LayerEntry[] = [
  { name: 'etc/', mode: 0o750 },
  { name: 'etc/motd', content: 'hello', uid: 3, gid: 4 },
  { name: 'bin/' },
  { name: 'bin/tool', content: Buffer.alloc(100_000, 'tool'), mode: 0o4755 },
  { name: 'bin/again', type: 'link', link: 'bin/tool' },
  { name: 'lib', type: 'symlink', link: 'usr/lib' },
];
const app = { exec: ['/bin/tool'], user: '0', group: '0' };
const versioned = (version: string) => [
  { name: 'version', value: version },
  { name: 'os', value: 'linux' },
  { name: 'arch', value: 'amd64' },
];

/** What a container of the image would see, from its layers alone. */
async function contentOf(stage: Stage, reference: string): Promise<string[]> {
  const target = path.join(folder, `tree-${stages++}`);
  const { unpackImage } = await import('../../src/containerizer/image/unpack-image.js');
  await unpackImage(stage.roots, reference, target);
  return treeOf(target, { times: false });
}

t.test('an encrypted image is refused for what it is', async (t) => {
  // As `gpg -c` and `gpg -e` begin, in packets of the old and of the new form, and with --armor.
  const heads = [
    Buffer.from([0x8c, 0x0d, 4, 9]),
    Buffer.from([0xc3, 0x0d, 4, 9]),
    Buffer.from([0x85, 1, 0x0c, 3]),
    Buffer.from('-----BEGIN PGP MESSAGE-----\n\njA0ECQMC'),
  ];
  for (const head of heads) {
    const file = fresh();
    writeFileSync(file, Buffer.concat([head, Buffer.alloc(4096, 7)]));
    await t.rejects(loadImage(freshStage().roots, file), { code: 'IMAGE_INVALID', why: /^it is encrypted/ });
  }
});

t.test('an ACI of actool, however it is compressed, and its image id', async (t) => {
  const built = builtByActool(
    folder,
    fresh(),
    aciManifest({ app, labels: versioned('1.0') }),
    await layerTar(files),
  );
  execFileSync('actool', ['validate', built]);
  const tar = execFileSync('zcat', [built], { maxBuffer: 1 << 28 });
  const id = `sha512-${createHash('sha512').update(tar).digest('hex')}`;
  const all = { gzip: built } as Record<string, string>;
  for (const program of ['bzip2', 'xz'] as const) {
    all[program] = fresh();
    writeFileSync(all[program], compressed(program, tar));
  }
  all['none'] = fresh();
  writeFileSync(all['none'], tar);
  const trees = [];
  for (const [name, file] of Object.entries(all)) {
    const stage = freshStage();
    const loaded = await loadImage(stage.roots, file);
    t.equal(loaded.name, 'appc:example.com/app:1.0', name);
    const image = await provideImage(stage.roots, 'appc:example.com/app');
    t.equal(image.appc?.imageId, id, `${name}: the id is that of the archive`);
    t.strictSame(image.config.config?.Cmd, ['/bin/tool']);
    trees.push(image.layers.map((layer) => treeOf(layer, { times: false })).join('\n'));
  }
  t.equal(new Set(trees).size, 1, 'the same tree each time');
  t.match(trees[0], /motd/);
});

t.test(
  'dependencies lie under the image in order, and whitelists leave out what they do not name',
  async (t) => {
    const stage = freshStage();
    const load = async (name: string, members: Record<string, unknown>, entries: LayerEntry[]) => {
      const manifest = aciManifest({ name: `example.com/${name}`, ...members });
      return loadImage(stage.roots, await writeAci(fresh(), aciEntries(manifest, entries)), {
        offline: true,
      });
    };
    const all = (who: string): LayerEntry[] => [
      { name: 'who', content: who },
      { name: `only-${who}`, content: who },
    ];
    await load('b', {}, [
      ...all('b'),
      { name: 'lib', type: 'symlink', link: 'usr/lib' },
      { name: 'usr/lib/' },
    ]);
    const d = await load('d', { labels: versioned('2') }, [
      ...all('d'),
      { name: 'd/deep/', mode: 0o700 },
      { name: 'd/deep/file', content: 'd' },
    ]);
    t.equal(d.name, 'appc:example.com/d:2');
    await load('c', { dependencies: [{ imageName: 'example.com/d', labels: versioned('2').slice(0, 1) }] }, [
      { name: 'who', content: 'c' },
      { name: 'lib/' },
      { name: 'lib/x', content: 'x' },
    ]);
    const dependencies = [{ imageName: 'example.com/b' }, { imageName: 'example.com/c' }];
    // ace.md: A -> [B, C], C -> [D] comes to B, D, C, A.
    await load('a', { dependencies }, [{ name: 'only-a', content: 'a' }]);
    const { config } = await provideImage(stage.roots, 'appc:example.com/a');
    t.strictSame(
      config.history?.map(({ created_by }) => created_by?.split(' ')[1]?.at(-1)),
      ['b', 'd', 'c', 'a'],
    );
    const tree = await contentOf(stage, 'appc:example.com/a');
    const sum = createHash('sha256').update('c').digest('hex');
    t.match(
      tree.find((line) => line.startsWith('/who ')),
      sum,
      'the last one that has a file gives it',
    );
    for (const name of ['only-b', 'only-d', 'only-a']) t.ok(tree.join('\n').includes(name), name);
    t.ok(tree.join('\n').includes('lib/x'), 'a folder takes the place of a link of a dependency');
    t.notOk(tree.join('\n').includes('usr/lib/x'), 'the link is not followed');

    await load('white', { dependencies, pathWhitelist: ['/who', '/d/deep/file', '/only-white/'] }, [
      { name: 'only-white/' },
      { name: 'only-white/inside', content: '' },
      { name: 'extra', content: '' },
    ]);
    const white = (await contentOf(stage, 'appc:example.com/white')).join('\n');
    for (const name of ['who', 'd/deep/file', 'only-white']) t.ok(white.includes(name), name);
    for (const name of ['only-b', 'only-d', 'extra', 'inside', 'lib']) t.notOk(white.includes(name), name);

    // What a dependency leaves out does not come back because another image wants it.
    await load('small', { pathWhitelist: ['/kept'] }, [
      { name: 'kept', content: 'k' },
      { name: 'gone', content: 'g' },
    ]);
    await load(
      'big',
      { dependencies: [{ imageName: 'example.com/small' }], pathWhitelist: ['/gone', '/kept'] },
      [],
    );
    const big = (await contentOf(stage, 'appc:example.com/big')).join('\n');
    t.ok(big.includes('kept'));
    t.notOk(big.includes('gone'));

    const refuses = async (members: Record<string, unknown>, why: RegExp) =>
      t.rejects(load('x', members, []), { message: why });
    await refuses(
      { dependencies: [{ imageName: 'example.com/none' }] },
      /dependency example.com\/none: it is not in the store/,
    );
    const zeros = `sha512-${'0'.repeat(128)}`;
    await refuses({ dependencies: [{ imageName: 'example.com/b', imageID: zeros }] }, /not in the store/);
    await refuses({ dependencies: [{ imageName: 'example.com/b', size: 1 }] }, /should have 1 bytes/);
    await refuses(
      { dependencies: [{ imageName: 'example.com/d', labels: versioned('3') }] },
      /not in the store/,
    );
  },
);

t.test('an image goes with its last name, with all that was kept for it', async (t) => {
  const stage = freshStage();
  const file = await writeAci(fresh(), aciEntries(aciManifest({ app }), files));
  await provideImage(stage.roots, file);
  await loadImage(stage.roots, file);
  t.strictSame(
    listImages(stage.roots)
      .map(({ name }) => name)
      .sort(),
    [`appc:${file}`, 'appc:example.com/app'].sort(),
  );
  t.equal(
    inspectImage(stage.roots, file).manifestDigest,
    inspectImage(stage.roots, 'appc:example.com/app').manifestDigest,
  );
  for (const name of [file, 'appc:example.com/app']) await removeImage(stage.roots, name, () => undefined);
  t.strictSame(listImages(stage.roots), []);
  t.strictSame(stage.leftovers(), []);
  t.notMatch(readFileSync(path.join(stage.roots.root, 'images/index.json'), 'utf8'), /appc/);
});

t.test('what breaks the layout or the manifest is refused, and leaves nothing', async (t) => {
  const stage = freshStage();
  const good = JSON.stringify(aciManifest({ app }));
  const root: LayerEntry[] = [{ name: 'rootfs/' }];
  const own: LayerEntry[] = [{ name: 'manifest', content: good }];
  const layouts: [string, LayerEntry[], BerthError['code'], RegExp][] = [
    ['no manifest', root, 'IMAGE_INVALID', /no file 'manifest'/],
    ['no rootfs', own, 'IMAGE_INVALID', /no directory 'rootfs'/],
    ['something beside them', [...own, ...root, { name: 'other' }], 'IMAGE_INVALID', /nothing beside them/],
    [
      'something that begins alike',
      [...own, ...root, { name: 'rootfs2/x' }],
      'IMAGE_INVALID',
      /nothing beside/,
    ],
    [
      'two manifests',
      [...own, ...root, { name: './manifest', content: good }],
      'IMAGE_INVALID',
      /there twice/,
    ],
    [
      'a file twice',
      [...own, ...root, { name: 'rootfs/a' }, { name: 'rootfs/./a' }],
      'IMAGE_INVALID',
      /there twice/,
    ],
    [
      'rootfs as a link',
      [...own, { name: 'rootfs', type: 'symlink', link: '/etc' }],
      'IMAGE_INVALID',
      /not a directory/,
    ],
    [
      'a manifest as a link',
      [{ name: 'manifest', type: 'symlink', link: '/etc/shadow' }, ...root],
      'IMAGE_INVALID',
      /not a regular file/,
    ],
    [
      'a manifest without end',
      [{ name: 'manifest', content: Buffer.alloc(5 << 20, ' ') }, ...root],
      'IMAGE_HOSTILE',
      /may have/,
    ],
    ['.. in a name', [...own, ...root, { name: 'rootfs/../../canary/file' }], 'IMAGE_HOSTILE', /'\.\.'/],
    [
      'a hard link out',
      [...own, ...root, { name: 'rootfs/x', type: 'link', link: 'manifest' }],
      'IMAGE_HOSTILE',
      /outside of 'rootfs'/,
    ],
    [
      'a hard link up',
      [...own, ...root, { name: 'rootfs/x', type: 'link', link: 'rootfs/../manifest' }],
      'IMAGE_HOSTILE',
      /'\.\.'/,
    ],
    ['a whiteout', [...own, ...root, { name: 'rootfs/.wh.etc' }], 'IMAGE_INVALID', /\.wh\./],
  ];
  for (const [name, entries, code, why] of layouts)
    await stage.refuses(t, name, await writeAci(fresh(), entries), code, why);

  const manifests: [Record<string, unknown>, RegExp][] = [
    [{ acKind: 'PodManifest' }, /acKind is not "ImageManifest"/],
    [{ acVersion: '1.0.0' }, /acVersion is not a version of the specification/],
    [{ acVersion: '0.8' }, /semver/],
    [{ name: 'Example.com/App' }, /name is not an AC Identifier/],
    [{ labels: [{ name: 'name', value: 'x' }] }, /label called "name"/],
    [{ labels: [...versioned('1'), ...versioned('2')] }, /the only one/],
    [
      {
        labels: [
          { name: 'os', value: 'linux' },
          { name: 'arch', value: 'x86_64' },
        ],
      },
      /known system/,
    ],
    [{ app: { exec: [], group: '0' } }, /app.user/],
    [{ app: { ...app, workingDirectory: 'etc' } }, /absolute path/],
    [{ app: { ...app, user: 'a:b' } }, /app.user/],
    [{ app: { ...app, environment: [{ name: '1A', value: '' }] } }, /the name of a variable/],
    [{ app: { ...app, eventHandlers: [{ name: 'later', exec: [] }] } }, /pre-start or post-stop/],
    [{ app: { ...app, isolators: [{ name: 'resource/cpu', value: { limit: '5 m' } }] } }, /a quantity/],
    [
      { app: { ...app, isolators: [{ name: 'os/linux/seccomp-remove-set', value: { set: [] } }] } },
      /a set with something/,
    ],
    [{ app: { ...app, ports: [{ name: 'a', protocol: 'tcp', port: 65_535, count: 2 }] } }, /range of ports/],
    [{ dependencies: [{ imageName: 'a', imageID: `sha256-${'0'.repeat(64)}` }] }, /an image id/],
    [{ pathWhitelist: ['etc'] }, /absolute path/],
    [{ labels: [{ name: 'os', value: 'freebsd' }] }, /it is for freebsd/],
  ];
  for (const [members, why] of manifests) {
    const file = await writeAci(fresh(), aciEntries(aciManifest({ app, ...members }), []));
    const error = await loadImage(stage.roots, file).then(
      () => undefined,
      (reason: BerthError) => reason,
    );
    t.match(error?.message, why, JSON.stringify(members));
    t.ok(error instanceof BerthError);
  }
  t.strictSame(stage.leftovers(), []);
  await t.rejects(loadImage(stage.roots, path.join(folder, 'none.aci')), { code: 'IMAGE_NOT_FOUND' });

  // The order of members is nowhere laid down.
  const late = await writeAci(fresh(), [
    ...root,
    { name: 'rootfs/keep', content: '1' },
    { name: 'rootfs/drop' },
    { name: 'manifest', content: JSON.stringify(aciManifest({ app, pathWhitelist: ['/keep'] })) },
  ]);
  await loadImage(stage.roots, late);
  const tree = (await contentOf(stage, 'appc:example.com/app')).join('\n');
  t.match(tree, /keep/);
  t.notMatch(tree, /drop/);
});
