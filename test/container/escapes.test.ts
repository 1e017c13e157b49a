import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { ContainerOptions } from '../../src/containerizer/container/options.js';
import { detectCgroupLayout } from '../../src/containerizer/host/cgroup-layout.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { supervisorProgram } from '../../src/native/index.js';
import { places } from '../../src/state/roots.js';
import { busyboxEntries } from '../fixtures/busybox-image.js';
import { entriesBelow } from '../fixtures/entries-below.js';
import { layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { Stage, unlessRoot } from './stage.js';

/** Ways out of a container that other runtimes had (named by their CVE), tried against a folder of the host that must not change, in all their forms. Whether a defence
 * is what stops them: test/escapes. */
t.test('escapes', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const canary = path.join(stage.folder, 'canary');
  mkdirSync(canary);
  writeFileSync(path.join(canary, 'null'), 'of the host');
  writeFileSync(path.join(canary, 'secret'), 'canary');
  const before = fingerprint(canary);
  t.teardown(() => {
    if (fingerprint(canary) !== before)
      throw new Error(`the host's folder was touched: ${readdirSync(canary)}`);
  });
  const everything: Partial<ContainerOptions> = { capAdd: ['ALL'] };

  /** An image in which a folder is a symbolic link. */
  const replaced = (name: string, link: string) => stage.makeImage([{ name, type: 'symlink', link }]);

  t.test('/proc or /sys as a symbolic link (CVE-2019-19921, CVE-2023-27561, CVE-2023-28642)', async (t) => {
    for (const [name, link] of [
      ['proc', canary],
      ['proc', '/etc'],
      ['proc', '../../../etc'],
      ['sys', '/tmp'],
      ['sys', canary],
    ] as const) {
      const image = await replaced(name, link);
      await t.rejects(
        stage.run(['true'], {}, image),
        { code: 'LAUNCH_FAILED', message: new RegExp(`^mount /${name}: `) },
        `${name} -> ${link}`,
      );
    }
    const file = await stage.makeImage([{ name: 'proc', content: '' }]);
    await t.rejects(stage.run(['true'], {}, file), { code: 'LAUNCH_FAILED' }, 'a file');
  });

  t.test('/dev as a symbolic link (CVE-2026-41579): nodes never land outside', async (t) => {
    for (const link of [canary, `../../../..${canary}`, '/etc', '/proc/self/root']) {
      const image = await replaced('dev', link);
      await t.rejects(
        stage.run(['true'], {}, image),
        { code: 'LAUNCH_FAILED', message: /^mount \/dev/ },
        link,
      );
    }
  });

  t.test(
    'the nodes in /dev are ours, whatever the image has there (CVE-2025-31133, CVE-2026-88264)',
    async (t) => {
      const image = await stage.makeImage([
        { name: 'dev/null', type: 'symlink', link: '/proc/sys/kernel/core_pattern' },
        { name: 'dev/console', type: 'symlink', link: `${canary}/secret` },
        { name: 'dev/pts', type: 'symlink', link: '/etc' },
        { name: 'dev/shm', type: 'symlink', link: canary },
      ]);
      const text = await stage.sh(
        'stat -c %F:%t:%T /dev/null; stat -c %F /dev/pts /dev/shm; ls /dev/console; wc -c </proc/timer_list',
        {},
        image,
      );
      t.equal(
        text,
        'character special file:1:3\ndirectory\ndirectory\nls: /dev/console: No such file or directory\n0',
      );
    },
  );

  t.test('working directory by way of a descriptor of the supervisor (CVE-2024-21626)', async (t) => {
    const link = await stage.makeImage([{ name: 'inside', type: 'symlink', link: '/proc/self/fd/5' }]);
    await t.rejects(stage.run(['pwd'], { workingDirectory: '/inside' }, link), { code: 'LAUNCH_FAILED' });
    await t.rejects(stage.run(['pwd'], { workingDirectory: '/proc/self/fd/9/../../etc' }), {
      code: 'LAUNCH_FAILED',
    });
  });

  t.test('the supervisor cannot be overwritten by way of /proc/self/exe (CVE-2019-5736)', async (t) => {
    const digest = () => createHash('sha256').update(readFileSync(supervisorProgram)).digest('hex');
    const original = digest();
    // The program that execs is still the supervisor's: started again it does nothing, and its image is sealed.
    const image = await stage.makeImage([
      { name: 'opt/', mode: 0o755 },
      { name: 'opt/again', content: '#!/proc/self/exe\n', mode: 0o755 },
    ]);
    for (const command of ['/proc/self/exe', '/opt/again']) {
      const { exit, stderr } = await stage.run([command], everything, image);
      t.equal(exit.status, 125, command);
      t.match(stderr, /^berth-init: started by berth, not by hand\n$/);
    }
    const text = await stage.sh(
      'for p in /proc/[0-9]*; do readlink $p/exe; done | sort -u; (echo x >/proc/1/exe) 2>&1',
      everything,
    );
    t.match(text, /^\/bin\/busybox\n/);
    t.notMatch(text, /berth|memfd/);
    t.equal(digest(), original);
  });

  t.test('the supervisor is not even seen, nor what it holds', async (t) => {
    const text = await stage.sh(
      `ls -d /proc/[0-9]* | wc -l
      tr "\\0" "\\n" </proc/1/environ | grep -ci berth
      cut -d" " -f5- /proc/1/mountinfo | grep -v "^/ " | grep -c var/tmp`,
      { ...everything, network: 'host' },
    );
    const [seen, environment, mounts] = text.split('\n');
    t.ok(Number(seen) <= 3, `processes: ${seen}`);
    t.equal(environment, '0');
    t.equal(mounts, '0', 'no mount but the root overlay names a folder of the host');
  });

  t.test('no abstract socket leads to a supervisor from the host network (CVE-2020-15257)', async (t) => {
    const container = await stage.start(['sleep', '60'], { network: 'host' });
    t.notMatch(readFileSync('/proc/net/unix', 'utf8'), /@.*(berth|control)/);
    const { mode, uid } = statSync(path.join(places.run(stage.roots, container.id), 'control.sock'));
    t.equal(mode & 0o777, 0o600);
    t.equal(uid, 0);
    t.equal(statSync(places.running(stage.roots)).mode & 0o777, 0o700);
    container.signal(9);
    await container.ended;
  });

  t.test('with every capability in its namespace, the host stays out of reach', async (t) => {
    const knobs = [
      ...[
        '/proc/sys/kernel/core_pattern',
        '/proc/sys/kernel/modprobe',
        '/proc/sys/kernel/panic',
        '/proc/sysrq-trigger',
      ],
      ...['/sys/kernel/uevent_helper', '/proc/sys/fs/binfmt_misc/register', '/proc/sys/vm/drop_caches'],
    ].filter((knob) => existsSync(knob));
    t.ok(knobs.length >= 3);
    // Opening to write is refused already: nothing of the host is changed should one of these succeed.
    const text = await stage.sh(
      `try() { for k in ${knobs.join(' ')}; do (: >>$k) 2>/dev/null && echo "$1: $k can be written"; done; }
      try covered
      for m in /proc/sys /proc/sysrq-trigger /sys; do mount -o remount,bind,rw $m 2>/dev/null || umount $m 2>/dev/null; done
      try uncovered
      mkdir /tmp/proc; mount -t proc proc /tmp/proc 2>/dev/null; mount --bind /tmp/proc /proc 2>/dev/null; try mounted
      for n in 'disk b 254 0' 'mem c 1 1' 'kmsg c 1 11'; do mknod /tmp/$n 2>/dev/null; done
      for node in /tmp/disk /tmp/mem /tmp/kmsg; do (: <$node) 2>/dev/null && echo "$node opened"; done
      insmod /bin/busybox 2>/dev/null && echo "module loaded"
      ls -A /sys/kernel/security /sys/kernel/debug /sys/fs/bpf 2>/dev/null | grep -v "^/sys\\|^$"
      echo end`,
      everything,
    );
    t.equal(text, 'end');
  });

  t.test('with the ids of the host a node can be made but not used', async (t) => {
    // Opening these takes no capability and does nothing: only the rules for devices stand before it.
    const harmless = readFileSync('/proc/misc', 'utf8').match(/^ *\d+ (?=(tun|fuse|loop-control)$)/gm) ?? [];
    const text = await stage.sh(
      `for minor in ${harmless.join(' ')}; do mknod /tmp/$minor c 10 $minor && (: </tmp/$minor) && echo "opened 10:$minor"; done
      mknod /tmp/zero c 1 5 && head -c 3 /tmp/zero | wc -c`,
      { userns: 'host', capAdd: ['MKNOD'] },
    );
    t.notMatch(text, /opened/);
    t.equal(text.match(/Operation not permitted/g)?.length ?? 0, harmless.length);
    t.match(text, /^3$/m);
  });

  t.test('without extra capabilities there is no node, no namespace, no mount to be made', async (t) => {
    const text = await stage.sh(
      'mknod /tmp/x c 1 1 2>/dev/null && echo mknod; for f in U m p n i u C; do unshare -$f true 2>/dev/null && echo unshare $f; done; mount -t tmpfs x /tmp 2>/dev/null && echo mount; chroot / true && echo chroot',
    );
    t.equal(text, 'chroot');
  });

  t.test('what the supervisor attached is locked, even for CAP_SYS_ADMIN inside', async (t) => {
    const volume = { source: canary, target: '/data', readonly: true, recursive: false, idmap: true };
    const text = await stage.sh(
      `for o in remount,rw remount,bind,rw remount,bind,suid,dev,rw; do for m in / /data; do mount -o $o $m 2>/dev/null && echo "$o $m"; done; done
      umount /data 2>/dev/null && echo "umount /data"; umount -l /data 2>/dev/null && echo "umount -l /data"
      mkdir -p /dev/shm/b; mount --bind /data /dev/shm/b && mount -o remount,bind,rw /dev/shm/b 2>/dev/null && echo "remount of a copy"
      unshare -m sh -c 'mount -o remount,bind,rw /data 2>/dev/null && echo "in a further namespace"; touch /data/x 2>&1'
      touch /x /data/x /dev/shm/b/x; cp /bin/busybox /data/su; head -c 6 /data/secret`,
      { capAdd: ['SYS_ADMIN'], readOnly: true, volumes: [volume] },
    );
    const lines = text.split('\n');
    t.equal(lines.pop(), 'canary', 'it is the folder of the host');
    t.strictSame(
      lines.filter((line) => !/Read-only file system/.test(line)),
      [],
    );
    t.equal(lines.length, 5);
  });

  t.test('cgroups: no release_agent, no limit of its own lifted (CVE-2022-0492)', async (t) => {
    const hierarchies = Object.keys(detectCgroupLayout().v1);
    const text = await stage.sh(
      `mkdir /tmp/cg
      for h in ${hierarchies.join(' ')} unified; do
        if [ $h = unified ]; then mount -t cgroup2 none /tmp/cg 2>/dev/null; else mount -t cgroup -o $h none /tmp/cg 2>/dev/null; fi || continue
        echo "mounted $h" >&2
        for f in release_agent notify_on_release memory.limit_in_bytes memory.max pids.max cgroup.procs tasks devices.allow cpu.cfs_quota_us; do
          [ -e /tmp/cg/$f ] && (: >>/tmp/cg/$f) 2>/dev/null && echo "$h/$f can be written"
        done
        mkdir /tmp/cg/x 2>/dev/null && echo "$h: made a group"
        umount /tmp/cg
      done
      for f in /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/*/pids.max /sys/fs/cgroup/pids.max; do [ -e $f ] && (: >>$f) 2>/dev/null && echo $f; done
      echo end`,
      everything,
    );
    t.match(text, /end$/);
    t.notMatch(text, /can be written|made a group|\/sys\/fs/);
  });

  t.test('Env of an image takes nothing from the host (CVE-2026-57231)', async (t) => {
    process.env.BERTH_TEST_SECRET = 'canary';
    t.teardown(() => delete process.env.BERTH_TEST_SECRET);
    const image = stage.configured({
      Env: [
        '*',
        'BERTH_*',
        'BERTH_TEST_SECRET',
        'HOME',
        '=x',
        '',
        'A=$BERTH_TEST_SECRET',
        'B=b=c',
        'PATH=/bin',
      ],
    });
    const { stdout } = await stage.run(['env'], { hostname: 'h' }, image);
    t.strictSame(stdout.trim().split('\n').sort(), [
      'A=$BERTH_TEST_SECRET',
      'B=b=c',
      'HOME=/root',
      'HOSTNAME=h',
      'PATH=/bin',
    ]);
  });

  t.test('labels and annotations of an image steer nothing (CVE-2026-94603, CVE-2026-53488)', async (t) => {
    const look =
      'grep -E "^(Cap|NoNew|Seccomp)" /proc/self/status; cat /proc/self/uid_map; grep -c . /proc/self/mountinfo; cat /proc/self/oom_score_adj';
    const steering = Object.fromEntries(
      [
        ...[
          'io.podman.annotations.checkpoint.runtime.name',
          'io.podman.annotations.privileged',
          'containerd.io/restart.loguri',
          'run.oci.handler',
        ],
        ...[
          'io.kubernetes.cri-o.TrySkipVolumeSELinuxLabel',
          'org.systemd.property.ExecStart',
          'org.criu.config',
          'run.oci.hooks.stderr',
          'module.wasm.image/variant',
        ],
        ...['berth.privileged', 'berth.userns', 'org.berth.restart', 'berth.zone', 'berth.log'],
      ].map((name) => [name, 'binary:///bin/sh?-c=touch+/canary']),
    );
    const { reference } = writeImage(path.join(stage.folder, 'steering'), {
      layers: [{ tar: await layerTar(busyboxEntries()) }],
      annotations: steering,
      config: { Env: ['PATH=/bin'], Labels: steering, StopSignal: 'SIGKILL' },
    });
    const image = await provideImage(stage.roots, reference);
    const without = (text: string) => text.replace(/^ *0 +\d+ +65536$/m, '');
    t.equal(without(await stage.sh(look, {}, image)), without(await stage.sh(look)));
  });

  t.test(
    '/etc/passwd as FIFO, as link out, as a file without end (CVE-2024-9676, CVE-2026-47262)',
    async (t) => {
      const passwd = path.join(stage.folder, 'passwd');
      writeFileSync(passwd, 'host:x:1001:1001::/:/bin/sh\n');
      const fifo = await stage.makeImage([
        { name: 'etc/passwd', type: 'fifo' },
        { name: 'etc/group', type: 'fifo' },
      ]);
      const link = await stage.makeImage([{ name: 'etc/passwd', type: 'symlink', link: passwd }]);
      const up = await stage.makeImage([
        { name: 'etc/passwd', type: 'symlink', link: `../../../../../..${passwd}` },
      ]);
      for (const image of [fifo, link, up]) {
        await t.rejects(stage.run(['true'], { user: 'host' }, image), { code: 'USER_UNKNOWN' });
        t.equal(
          (await stage.run(['grep', '^Uid', '/proc/self/status'], { user: '5' }, image)).stdout,
          'Uid:\t5\t5\t5\t5\n',
        );
      }
      // Reading all of it takes longer than a test may.
      truncateSync(passwd, 3 * 2 ** 40);
      const volume = { source: passwd, target: '/etc/passwd', readonly: true, recursive: false, idmap: true };
      t.equal(
        (await stage.run(['id', '-u'], { user: 'host', volumes: [volume] })).stdout,
        '1001\n',
        'what stands at its start counts',
      );
      await t.rejects(stage.run(['true'], { user: 'nobody', volumes: [volume] }), { code: 'USER_UNKNOWN' });
    },
  );

  t.test('a file volume on a dangling link of the image stays inside', async (t) => {
    const image = await stage.makeImage([
      { name: 'etc/resolv.conf', type: 'symlink', link: `../..${canary}/made` },
    ]);
    const volume = {
      source: path.join(canary, 'secret'),
      target: '/etc/resolv.conf',
      readonly: true,
      recursive: false,
      idmap: true,
    };
    t.equal(await stage.sh('cat /etc/resolv.conf', { volumes: [volume] }, image), 'canary');
    const parents = await stage.makeImage([{ name: 'srv', type: 'symlink', link: canary }]);
    t.equal(
      await stage.sh(
        `cat /srv/deep/file ${canary}/deep/file`,
        { volumes: [{ ...volume, target: '/srv/deep/file' }] },
        parents,
      ),
      'canarycanary',
    );
    t.equal(await stage.sh('pwd', { workingDirectory: '/srv/made' }, parents), `${canary}/made`);
  });
});

/** Every name and byte below a folder. */
function fingerprint(directory: string): string {
  const hash = createHash('sha256');
  for (const entry of entriesBelow(directory)) {
    const place = path.join(entry.parentPath, entry.name);
    const { mode, uid, gid } = statSync(place);
    hash.update(`${place} ${mode} ${uid} ${gid}\n`);
    if (entry.isFile()) hash.update(readFileSync(place));
  }
  return hash.digest('hex');
}
