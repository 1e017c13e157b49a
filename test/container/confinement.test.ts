import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import {
  defaultCapabilities,
  defaultPidsLimit,
  maskedPaths,
  readonlyPaths,
} from '../../src/containerizer/container/describe/defaults.js';
import { detectCgroupLayout } from '../../src/containerizer/host/cgroup-layout.js';
import { containerIds } from '../../src/containerizer/host/id-range.js';
import { Stage, unlessRoot } from './stage.js';

/** What confines a container, read from inside it. */
t.test('confinement', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const kinds = ['user', 'pid', 'mnt', 'net', 'ipc', 'uts', 'cgroup'];
  const namespaces = `for n in ${kinds.join(' ')}; do readlink /proc/self/ns/$n; done`;
  const ofHost = kinds.map((kind) => readlinkSync(`/proc/self/ns/${kind}`));

  t.test('seven namespaces of its own; fewer when asked', async (t) => {
    const inside = (await stage.sh(namespaces)).split('\n');
    t.strictSame(
      kinds.filter((_, i) => inside[i] === ofHost[i] || !/^\w+:\[\d+\]$/.test(inside[i] ?? '')),
      [],
    );
    const shared = (await stage.sh(namespaces, { network: 'host', userns: 'host' })).split('\n');
    t.strictSame(
      kinds.filter((_, i) => shared[i] === ofHost[i]),
      ['user', 'net'],
    );
  });

  t.test('the program is pid 1 and sees no other', async (t) => {
    const text = await stage.sh(
      'echo $$; tr "\\0" "|" </proc/1/cmdline; echo; ls -d /proc/[0-9]*; readlink /proc/1/exe',
    );
    const [pid, line, ...rest] = text.split('\n');
    t.equal(pid, '1');
    t.match(line, /^sh\|-c\|exec 2>&1/);
    t.strictSame(rest.slice(0, 1), ['/proc/1']);
    t.ok(rest.length <= 3, 'at most the ls beside it');
    t.equal(rest.at(-1), '/bin/busybox');
  });

  t.test('ids of a private range, root inside is nobody outside', async (t) => {
    const text = await stage.sh('cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g; id -G');
    const rows = text.split('\n').map((line) => line.trim().split(/\s+/));
    const [uids = [], gids = [], ...own] = rows;
    t.strictSame(uids, gids);
    t.equal(uids[0], '0');
    t.ok(Number(uids[1]) >= containerIds.size, `first host id ${uids[1]}`);
    t.equal(uids[2], String(containerIds.size));
    t.strictSame(own, [['0'], ['0'], ['0']]);
    t.match(await stage.sh('cat /proc/self/uid_map', { userns: 'host' }), /^ *0 +0 +4294967295$/);
  });

  t.test('capabilities: the sets of the kernel', async (t) => {
    const header = readFileSync('/usr/include/linux/capability.h', 'utf8');
    const numbers = new Map(
      [...header.matchAll(/#define (CAP_\w+)\s+(\d+)$/gm)].map(([, name = '', bit]) => [
        name,
        BigInt(bit ?? ''),
      ]),
    );
    const mask = (names: readonly string[]) =>
      names
        .reduce((bits, name) => bits | (1n << (numbers.get(name) ?? 99n)), 0n)
        .toString(16)
        .padStart(16, '0');
    const sets = async (options: Parameters<Stage['sh']>[1]) => {
      const text = await stage.sh('grep ^Cap /proc/self/status', options);
      return Object.fromEntries(text.split('\n').map((line) => line.split(':\t'))) as Record<string, string>;
    };
    const none = '0'.repeat(16);
    const same = (bits: string) => ({ CapInh: none, CapPrm: bits, CapEff: bits, CapBnd: bits, CapAmb: none });

    t.strictSame(await sets({}), same(mask(defaultCapabilities)));
    const added = await sets({ capAdd: ['net_raw'], capDrop: ['CAP_CHOWN', 'kill'] });
    const expected = defaultCapabilities.filter((name) => !['CAP_CHOWN', 'CAP_KILL'].includes(name));
    t.strictSame(added, same(mask([...expected, 'CAP_NET_RAW'])));
    t.strictSame(await sets({ capDrop: ['ALL'] }), same(none));
    t.strictSame(await sets({ capDrop: ['ALL'], capAdd: ['SETUID'] }), same(mask(['CAP_SETUID'])));
    const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
    const every = [...numbers].filter(([, bit]) => bit <= last).map(([name]) => name);
    t.strictSame(
      await sets({ capAdd: ['ALL'], capDrop: ['SYS_ADMIN'] }),
      same(mask(every.filter((name) => name !== 'CAP_SYS_ADMIN'))),
    );
    t.strictSame(await sets({ user: '1000' }), { ...same(none), CapBnd: mask(defaultCapabilities) });
    await t.rejects(stage.sh('true', { capAdd: ['FLY'] }), { code: 'USAGE' });
  });

  t.test('no new privileges, and a system call filter', async (t) => {
    const text = await stage.sh(
      'grep -E "^(NoNewPrivs|Seccomp|Seccomp_filters):" /proc/self/status; unshare -U true; mount -t tmpfs x /tmp; echo $?',
    );
    t.match(text, /^NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1$/m);
    t.match(text, /unshare: unshare.*Operation not permitted/);
    t.match(text, /mount: .*permission denied[^\n]*\n1$/i);
  });

  t.test('masked paths show nothing, the others cannot be written', async (t) => {
    const there = (places: readonly string[]) => places.filter((place) => existsSync(place));
    const masked = there(maskedPaths);
    const readonly = there(readonlyPaths);
    t.ok(masked.length > 2 && readonly.length > 2, `this kernel has ${masked} and ${readonly}`);
    t.equal(
      await stage.sh(`
        for m in ${masked.join(' ')}; do
          if [ -d $m ]; then ls -A $m; else cat $m; fi
          grep -q " $m " /proc/self/mountinfo || echo "$m is not covered"
        done
        for r in ${readonly.join(' ')}; do grep -q " $r ro," /proc/self/mountinfo || echo "$r can be written"; done
        for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches; do
          (echo 1 >$f) 2>&1 | grep -q "Read-only file system" || echo "$f was no refusal"
        done
        mkdir /sys/x`),
      "mkdir: can't create directory '/sys/x': Read-only file system",
    );
  });

  t.test('/dev holds its nodes and nothing else', async (t) => {
    const text = await stage.sh(
      'ls /dev | tr "\\n" " "; echo; stat -c "%n %t:%T %a %u:%g" /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty; for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done; echo x >/dev/null && echo ok; head -c 3 /dev/zero | wc -c; (echo x >/dev/full) 2>&1 | grep -c "No space"',
    );
    t.equal(
      text,
      [
        'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero ',
        ...['null 1:3', 'zero 1:5', 'full 1:7', 'random 1:8', 'urandom 1:9', 'tty 5:0'].map(
          (node) => `/dev/${node} 666 0:0`,
        ),
        ...['/proc/self/fd', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2', 'pts/ptmx'],
        'ok',
        '3',
        '1',
      ].join('\n'),
    );
  });

  t.test('flags of its mounts; nothing of the host among them', async (t) => {
    const rows = (await stage.sh('cat /proc/self/mountinfo')).split('\n').map((line) => {
      const fields = line.split(' ');
      return {
        point: fields[4] ?? '',
        options: (fields[5] ?? '').split(','),
        type: line.split(' - ')[1]?.split(' ')[0],
      };
    });
    const wanted: Record<string, string[]> = {
      '/proc': ['nosuid', 'nodev', 'noexec'],
      '/sys': ['ro', 'nosuid', 'nodev', 'noexec'],
      '/dev': ['nosuid', 'noexec'],
      '/dev/shm': ['nosuid', 'nodev', 'noexec'],
      '/dev/pts': ['nosuid', 'noexec'],
      '/dev/mqueue': ['nosuid', 'nodev', 'noexec'],
      '/proc/sys': ['ro', 'nosuid', 'nodev', 'noexec'],
      '/sys/firmware': ['ro', 'nosuid', 'nodev', 'noexec'],
    };
    for (const [point, flags] of Object.entries(wanted)) {
      const options = rows.find((row) => row.point === point)?.options ?? [];
      t.strictSame(
        flags.filter((flag) => !options.includes(flag)),
        [],
        `${point}: ${options}`,
      );
    }
    t.strictSame(
      rows.filter(({ point }) => !/^\/(dev|proc|sys)(\/|$)/.test(point) && point !== '/'),
      [],
    );
    t.equal(rows.find(({ point }) => point === '/')?.type, 'overlay');
  });

  t.test('a read-only root, and the places that stay writable', async (t) => {
    const text = await stage.sh('touch /x; touch /dev/shm/x && echo shm; echo x >/dev/null && echo null', {
      readOnly: true,
    });
    t.equal(text, 'touch: /x: Read-only file system\nshm\nnull');
    t.equal(await stage.sh('touch /x && echo made'), 'made');
  });

  t.test('its own host name', async (t) => {
    t.equal(await stage.sh('hostname; echo $HOSTNAME', { hostname: 'web-1' }), 'web-1\nweb-1');
    t.match(await stage.sh('hostname'), /^[0-9a-f]{12}$/);
  });

  t.test('networks: only a loopback that is up, or the host', async (t) => {
    const text = await stage.sh('ls /sys/class/net; cat /sys/class/net/lo/flags; nc 127.0.0.1 7');
    t.match(text, /^lo\n0x9\n/, 'IFF_UP | IFF_LOOPBACK');
    t.match(text, /Connection refused$/, 'by whoever is there, so there is a way');
    const host = await stage.sh('ls /sys/class/net; cat /etc/hosts', { network: 'host' });
    t.equal(
      host,
      `${readFileSync('/proc/net/dev', 'utf8')
        .split('\n')
        .slice(2)
        .map((line) => line.split(':')[0]?.trim())
        .filter(Boolean)
        .sort()
        .join('\n')}\n${readFileSync('/etc/hosts', 'utf8').trimEnd()}`,
    );
  });

  t.test('its limits, where programs look for them', async (t) => {
    const layout = detectCgroupLayout();
    const v1 = layout.layout !== 'unified';
    const files = v1
      ? ['memory/memory.limit_in_bytes', 'pids/pids.max', 'cpu/cpu.cfs_quota_us', 'cpu/cpu.cfs_period_us']
      : ['memory.max', 'pids.max', 'cpu.max'];
    const read = `cd /sys/fs/cgroup; cat ${files.join(' ')}; mkdir ${v1 ? 'memory/' : ''}x; echo 0 >${files[0]}; cat /proc/self/cgroup`;
    const text = await stage.sh(read, { memory: 64 << 20, pidsLimit: 77, cpus: 1.5 });
    const values = v1
      ? [String(64 << 20), '77', '150000', '100000']
      : [String(64 << 20), '77', '150000 100000'];
    t.strictSame(text.split('\n').slice(0, values.length), values);
    t.match(text, /mkdir: can't create directory '(memory\/)?x': (Read-only file system|Permission denied)/);
    t.match(text, /can't create .*: Read-only file system/);
    const own = text.split('\n').filter((line) => /^\d+:/.test(line));
    const used = own.filter((line) => /^(0::|\d+:(memory|cpu|pids|devices|cpuacct))/.test(line));
    t.ok(
      used.length > 0 && used.every((line) => line.endsWith(':/')),
      `each is the root of its view: ${used}`,
    );
    t.equal(
      await stage.sh(`cat /sys/fs/cgroup/${v1 ? 'pids/pids.max' : 'pids.max'}`),
      String(defaultPidsLimit),
    );
  });

  t.test('a session keyring of its own', async (t) => {
    const container = await stage.start(['sleep', '60']);
    const first = findContainer(stage.roots, container.id).document.first_id;
    t.match(
      readFileSync('/proc/key-users', 'utf8'),
      new RegExp(`^ *${first}: `, 'm'),
      'root inside owns a key',
    );
    container.signal(9);
    t.equal((await container.ended).status, 137);
  });
});
