import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Attack, reached } from './attack.js';

const asRoot = { userns: 'host' as const };

export const procfs: readonly Attack[] = [
  {
    family: 'procfs',
    name: 'what /proc tells of the whole host is read',
    known: ['CVE-2025-31133'],
    defence: 'masked-paths',
    stopped: 'harmless',
    attempt: async ({ stage }) => reached(await stage.sh('head -n 1 /proc/interrupts', asRoot)),
  },
  {
    family: 'procfs',
    name: 'a setting of the whole host is opened for writing',
    known: [],
    defence: 'readonly-paths',
    stopped: 'harmless',
    attempt: async ({ stage }) =>
      reached(await stage.sh('k=/proc/sys/kernel/core_pattern; (: >>$k) 2>/dev/null && ls -l $k', asRoot)),
  },
  {
    family: 'procfs',
    name: 'a volume over /proc/sys takes what is meant for a setting of the kernel',
    known: ['CVE-2019-16884', 'CVE-2025-52881'],
    defence: 'own-proc',
    stopped: 'LAUNCH_FAILED',
    attempt: async (scene) => {
      const { stage, canary } = scene;
      const folder = path.join(canary, 'deep', 'kernel');
      mkdirSync(folder);
      writeFileSync(path.join(folder, 'shm_rmid_forced'), '0');
      scene.settle();
      const volumes = [
        { source: path.dirname(folder), target: '/proc/sys', readonly: false, recursive: false, idmap: true },
      ];
      await stage.run(['true'], { ...asRoot, volumes, sysctls: { 'kernel.shm_rmid_forced': '1' } });
      return undefined;
    },
  },
  {
    family: 'procfs',
    name: "a bundle's config.json sets what belongs to the whole host",
    known: ['CVE-2022-0811'],
    defence: 'own-sysctls',
    stopped: 'LAUNCH_FAILED',
    attempt: async (scene) => {
      // The value that it has already: nothing changes should it be written.
      const value = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
      const change = (config: { linux: { sysctl?: Record<string, string> } }) => {
        config.linux.sysctl = { 'kernel.core_pattern': value };
      };
      await scene.withConfig(change, () => scene.stage.run(['true'], asRoot));
      return 'kernel.core_pattern was written';
    },
  },
];
