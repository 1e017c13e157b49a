import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CgroupLayout } from './cgroup-layout.js';

/** Can this kernel limit swap? On v1 that may be switched off (`swapaccount=0`); on v2 a kernel that has swap can. */
export function limitsSwap(
  layout: Pick<CgroupLayout, 'layout' | 'v1'>,
  exists: (file: string) => boolean = existsSync,
): boolean {
  const file = swapAccount(layout);
  return file !== undefined && exists(file);
}

/** The file that such a kernel has. */
export function swapAccount({ layout, v1 }: Pick<CgroupLayout, 'layout' | 'v1'>): string | undefined {
  if (layout === 'unified') return '/proc/swaps';
  return v1.memory === undefined ? undefined : path.join(v1.memory, 'memory.memsw.limit_in_bytes');
}
