import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CgroupLayout } from './cgroup-layout.js';

/** Can this kernel limit swap? On v1 that may be switched off (`swapaccount=0`); on v2 a kernel that has swap can. */
export function limitsSwap(
  { layout, v1 }: Pick<CgroupLayout, 'layout' | 'v1'>,
  exists: (file: string) => boolean = existsSync,
): boolean {
  if (layout === 'unified') return exists('/proc/swaps');
  return v1.memory !== undefined && exists(path.join(v1.memory, 'memory.memsw.limit_in_bytes'));
}
