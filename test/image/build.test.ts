import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { type BuildOptions, buildImage } from '../../src/containerizer/build/build-image.js';
import { inspectImage, listImages } from '../../src/containerizer/image/list.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { BerthError } from '../../src/errors/berth-error.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { treeOf } from './tree.js';

t.test('an image from a recipe', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const recipe = {
    from: stage.image.reference,
    layers: [
      [
        { copy: 'app', to: '/srv/app', owner: '7:8', folder_mode: '0750' },
        { copy: 'app/run', to: '/usr/bin/run', mode: '4755' },
        { folder: '/tmp', mode: '1777' },
        { file: '/etc/motd', text: 'first\n' },
        { link: '/usr/bin/go', target: 'run' },
      ],
      [{ file: '/etc/motd', text: 'second\n', mode: '0600', owner: '9' }],
    ],
    config: {
      ...{ user: '7', env: { MODE: 'a=b' }, entrypoint: ['/usr/bin/go'], cmd: ['x'], workdir: '/srv/app' },
      ...{ ports: ['80/tcp'], labels: { l: '1' }, volumes: ['/data'], stop_signal: 'SIGINT' },
    },
  };
  const context = (at: Date, document: unknown = recipe): string => {
    const folder = diskFolder(t, {
      'app/run': '#!/bin/sh\necho "$@" "$MODE" "$(id -u)" "$(pwd)"; ls -l /etc/motd\n',
      'app/deep/data': 'd',
      'berth-image.json': JSON.stringify(document),
    });
    symlinkSync('../../etc/passwd', path.join(folder, 'app/out'));
    execFileSync('chmod', ['0700', path.join(folder, 'app/run')]);
    execFileSync('touch', [
      '-d',
      at.toISOString(),
      path.join(folder, 'app/deep/data'),
      path.join(folder, 'app'),
    ]);
    return folder;
  };
  const build = (folder: string, options: Partial<BuildOptions> = {}) =>
    buildImage(roots, {
      ...{ names: ['built:1'], context: folder, compression: 'gzip', pull: 'never', onProgress: () => {} },
      ...options,
    });

  await t.test('has what it says, and runs', async (t) => {
    const { status, stdout, stderr } = stage.berth('image build', '-t', 'built:1', context(new Date()));
    t.equal(status, 0, stderr);
    t.match(stdout, /^built:1@sha256:/);
    const tree = path.join(diskFolder(t), 'tree');
    await unpackImage(roots, 'built:1', tree);
    const lines = treeOf(tree).join('\n');
    t.match(lines, /^\/srv\/app 40750 7:8 .*0$/m);
    t.match(lines, /^\/srv\/app\/run 100755 7:8 /m);
    t.match(lines, /^\/srv\/app\/deep 40750 7:8 /m);
    t.match(lines, /^\/srv\/app\/out .*\.\.\/\.\.\/etc\/passwd/m, 'a link is copied as it is');
    t.match(lines, /^\/usr\/bin\/run 104755 0:0 /m);
    t.match(lines, /^\/tmp 41777 /m);
    t.match(lines, /^\/etc\/motd 100600 9:9 7 /m, 'the upper layer');
    t.match(stage.berth('run', '--rm', 'built:1', 'y').stdout, /^y a=b 7 \/srv\/app\n-rw------- .* 7 Jan /);
    const { config } = inspectImage(roots, 'built:1');
    t.match(config.config, {
      ExposedPorts: { '80/tcp': {} },
      Labels: { l: '1' },
      StopSignal: 'SIGINT',
      Volumes: { '/data': {} },
    });
    t.match(config.config?.Env, ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'MODE=a=b'], 'beside those below');
  });

  await t.test('is the same each time, wherever and whenever', async (t) => {
    const [one, two] = [context(new Date(0)), context(new Date())];
    execFileSync('chmod', ['-R', 'g+w', path.join(two, 'app')]);
    const first = await build(one);
    t.equal((await build(two, { names: ['built:2', 'again:1'] })).manifestDigest, first.manifestDigest);
    const dated = await build(one, { names: ['dated:1'], time: 1_700_000_000 });
    t.not(dated.manifestDigest, first.manifestDigest);
    t.equal(inspectImage(roots, 'dated:1').created, '2023-11-14T22:13:20Z');
    t.equal(
      (await build(two, { names: ['dated:2'], time: 1_700_000_000 })).manifestDigest,
      dated.manifestDigest,
    );
    writeFileSync(path.join(two, 'app/deep/data'), 'e');
    t.not((await build(two)).manifestDigest, first.manifestDigest);
    t.not(
      (await build(one, { compression: 'none', names: ['plain:1'] })).manifestDigest,
      first.manifestDigest,
    );
  });

  await t.test('several images below, or none', async (t) => {
    const layers = [[{ folder: '/only' }]];
    await build(context(new Date(), { layers: [[{ file: '/scratch', text: '' }]] }), { names: ['tools:1'] });
    await build(
      context(new Date(), { from: [stage.image.reference, 'tools:1'], layers, config: { fresh: true } }),
      {
        names: ['stacked:1'],
      },
    );
    const target = path.join(diskFolder(t), 'tree');
    await unpackImage(roots, 'stacked:1', target);
    const tree = treeOf(target).join('\n');
    for (const name of ['/bin/busybox', '/scratch', '/only']) t.match(tree, new RegExp(`^${name} `, 'm'));
    t.notOk(inspectImage(roots, 'stacked:1').config.config?.Env);
  });

  await t.test('what leads out, and what is no file, is refused and leaves nothing', async (t) => {
    const names = () => listImages(roots).map(({ name }) => name);
    const before = names();
    const entry = (each: unknown, more: object = {}) => ({
      from: stage.image.reference,
      layers: [[each]],
      ...more,
    });
    const canary = diskFolder(t, { secret: 's' });
    const refused: [string, unknown, RegExp, ((folder: string) => void)?][] = [
      [
        'a link out',
        entry({ copy: 'way/secret', to: '/x' }),
        /way\/secret": .*symbolic link, or out/,
        (f) => symlinkSync(canary, `${f}/way`),
      ],
      [
        'a link inside',
        entry({ copy: 'way/run', to: '/x' }),
        /symbolic link, or out/,
        (f) => symlinkSync('app', `${f}/way`),
      ],
      ['dots', entry({ copy: '../secret', to: '/x' }), /without '\.\.'/],
      ['dots in the image', entry({ copy: 'app', to: '/a/../../x' }), /without '\.\.'/],
      ['a whiteout', entry({ file: '/.wh.bin', text: '' }), /\.wh\./],
      [
        'a fifo',
        entry({ copy: 'app', to: '/x' }),
        /"app\/pipe": it is neither/,
        (f) => execFileSync('mkfifo', [`${f}/app/pipe`]),
      ],
      [
        'a device',
        entry({ copy: 'null', to: '/x' }),
        /"null": it is neither/,
        (f) => execFileSync('mknod', [`${f}/null`, 'c', '1', '3']),
      ],
      ['nothing there', entry({ copy: 'none', to: '/x' }), /"none": it is not in /],
      [
        'below a file',
        {
          layers: [
            [
              { file: '/a', text: '' },
              { file: '/a/b', text: '' },
            ],
          ],
        },
        /no folder/,
      ],
      ['an owner', entry({ folder: '/x', owner: '65536' }), /layers\[0\]\[0\]\.owner is not below 65536/],
      [
        'a member',
        entry({ folder: '/x', text: 'y' }),
        /layers\[0\]\[0\]\.text is not one of folder, owner, mode/,
      ],
      ['a setting', entry({ folder: '/x' }, { config: { shell: 'y' } }), /config\.shell is not one of/],
      ['no layer', { layers: [] }, /without a layer/],
      ['no JSON', '{', /recipe /],
    ];
    for (const [name, document, why, prepare] of refused) {
      const folder = context(new Date(), document);
      if (document === '{') writeFileSync(path.join(folder, 'berth-image.json'), '{');
      prepare?.(folder);
      const error = await build(folder, { names: ['bad:1'] }).then(
        () => undefined,
        (reason: unknown) => reason as BerthError,
      );
      t.ok(error instanceof BerthError && error.code === 'RECIPE_INVALID', `${name}: ${error?.message}`);
      t.match(error?.message, why, name);
    }
    t.strictSame(names(), before);
    t.equal(readFileSync(path.join(canary, 'secret'), 'utf8'), 's');
    mkdirSync(path.join(canary, 'empty'));
    t.match(stage.berth('image build', '-t', 'x', path.join(canary, 'empty')), {
      status: 125,
      stderr: /no such file/,
    });
  });
});
