import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { type Attack, reached } from './attack.js';
import type { Scene } from './scene.js';

const asRoot = { userns: 'host' as const };
const strangers = 4242;

export const privileges: readonly Attack[] = [
  {
    family: 'privileges',
    name: 'inheritable capabilities are left to the program, for files to turn into permitted ones',
    known: ['CVE-2022-24769', 'CVE-2022-29162', 'CVE-2022-27649', 'CVE-2022-27652'],
    defence: 'inheritable-capabilities',
    stopped: 'harmless',
    attempt: async ({ stage }) => {
      const set = /^CapInh:\t0*([0-9a-f]*)$/m.exec(await stage.sh('cat /proc/self/status'))?.[1];
      return reached(set ?? 'no such line');
    },
  },
  {
    family: 'privileges',
    name: "the groups of whoever runs berth open a folder to the container's user",
    known: ['CVE-2022-36109', 'CVE-2023-25173'],
    defence: 'supplementary-groups',
    stopped: 'harmless',
    attempt: async ({ stage, canary, secret }) => {
      chownSync(canary, 0, strangers);
      chmodSync(canary, 0o750);
      const volume = { source: canary, target: '/data', readonly: true, recursive: false, idmap: false };
      const before = process.getgroups?.() ?? [];
      process.setgroups?.([strangers]);
      try {
        const text = await stage.sh('cat /data/secret', { ...asRoot, user: '1000:1000', volumes: [volume] });
        return text.includes(secret) ? text : undefined;
      } finally {
        process.setgroups?.(before);
        chownSync(canary, 0, 0);
        chmodSync(canary, 0o755);
      }
    },
  },
  ...['4294967296', '18446744073709551616'].map(
    (user): Attack => ({
      family: 'privileges',
      name: `USER ${user} of an image wraps round to root`,
      known: ['CVE-2024-40635', 'CVE-2026-46680'],
      defence: 'user-range',
      stopped: 'USER_UNKNOWN',
      attempt: async ({ stage }) =>
        `as user ${await stage.sh('id -u', {}, stage.configured({ User: user }))}`,
    }),
  ),
  {
    family: 'privileges',
    name: 'a set-user-id program of the image makes an ordinary user root',
    known: [],
    defence: 'no-new-privileges',
    stopped: 'harmless',
    attempt: async (scene) => {
      const image = await scene.attackersImage(0o4755);
      return reached(
        await scene.stage.sh('attacker root', { user: '1000:1000', seccomp: 'unconfined' }, image),
      );
    },
  },
  {
    family: 'privileges',
    name: 'a task makes a user namespace, and has every capability in it',
    known: ['CVE-2022-0492', 'CVE-2022-0185'],
    defence: 'system-call-filter',
    stopped: 'harmless',
    attempt: (scene) => call(scene, 'unshare'),
  },
  {
    family: 'privileges',
    name: 'the same by clone, which is allowed but for its arguments',
    known: ['CVE-2026-123876'],
    defence: 'filtered-arguments',
    stopped: 'harmless',
    attempt: (scene) => call(scene, 'clone'),
  },
  {
    family: 'privileges',
    name: 'the same by the gate for 32-bit programs, whose calls have other numbers',
    known: ['CVE-2026-123876'],
    defence: 'filtered-architectures',
    stopped: 'harmless',
    lacking: (scene) => (scene.here('gate') !== '' ? undefined : 'this kernel runs no 32-bit programs'),
    attempt: (scene) => call(scene, '32-bit'),
  },
  {
    family: 'privileges',
    name: 'a node made inside opens a device of the host: its kernel log',
    known: [],
    defence: 'device-rules',
    stopped: 'harmless',
    attempt: async ({ stage }) =>
      reached(
        await stage.sh(
          'mknod /tmp/kmsg c 1 11 && exec 2>/dev/null && dd if=/tmp/kmsg bs=8192 count=1 | head -c 40',
          { ...asRoot, capAdd: ['MKNOD', 'SYSLOG'] },
        ),
      ),
  },
  {
    family: 'privileges',
    name: "the top of the host's cgroups is mounted, with release_agent or every other task's limits in it",
    known: ['CVE-2022-0492'],
    defence: 'cgroup-namespace',
    stopped: 'harmless',
    attempt: async ({ stage }) =>
      reached(
        await stage.sh(
          `exec 2>/dev/null; mkdir /tmp/cg
          for h in pids devices; do mount -t cgroup -o $h none /tmp/cg || continue; ls /tmp/cg/release_agent; umount /tmp/cg; done
          mount -t cgroup2 none /tmp/cg && { [ -e /tmp/cg/cgroup.type ] || ls -d /tmp/cg/cgroup.procs; }`,
          { ...asRoot, capAdd: ['SYS_ADMIN'] },
        ),
      ),
  },
  {
    family: 'privileges',
    name: 'a task lifts its own limits where it sees them',
    known: ['CVE-2023-25809'],
    defence: 'readonly-mounts',
    stopped: 'harmless',
    attempt: async ({ stage }) =>
      reached(
        await stage.sh(
          'exec 2>/dev/null; for f in /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max; do [ -e $f ] && (echo max >$f) && echo $f; done',
          asRoot,
        ),
      ),
  },
  {
    family: 'metadata',
    name: 'a fifo as /etc/passwd answers with whatever its writer likes, or never',
    known: ['CVE-2024-9676'],
    defence: 'plain-account-files',
    stopped: 'USER_UNKNOWN',
    attempt: async (scene) => {
      const fifo = path.join(scene.fresh('accounts'), 'fifo');
      execFileSync('mkfifo', [fifo]);
      // Open for both ends, so that neither waits for the other (fifo(7)).
      const writer = openSync(fifo, 'r+');
      try {
        writeSync(writer, 'planted:x:0:0::/:/bin/sh\n');
        return await idOf(scene, fifo);
      } finally {
        closeSync(writer);
        rmSync(fifo);
      }
    },
  },
  {
    family: 'metadata',
    name: 'an /etc/passwd without end keeps whoever reads it busy',
    known: ['CVE-2026-47262'],
    defence: 'short-account-files',
    stopped: 'USER_UNKNOWN',
    attempt: async (scene) => {
      const passwd = path.join(scene.fresh('accounts'), 'passwd');
      writeFileSync(passwd, `${'a:x:1:1::/:\n'.repeat(200_000)}planted:x:0:0::/:/bin/sh\n`);
      return idOf(scene, passwd);
    },
  },
];

/** Calls the kernel as a program of the image, with no capability but the usual ones. */
async function call(scene: Scene, what: string): Promise<string | undefined> {
  return reached(await scene.stage.sh(`attacker ${what}`, {}, await scene.attackersImage()));
}

/** Who `planted` is, where this file is /etc/passwd; the program itself must not read that. */
async function idOf({ stage }: Scene, passwd: string): Promise<string> {
  const volume = { source: passwd, target: '/etc/passwd', readonly: true, recursive: false, idmap: true };
  const options = { user: 'planted', volumes: [volume] };
  return `${await stage.sh('grep ^Uid /proc/self/status', options)} by ${passwd}`;
}
