import { readFileSync } from 'node:fs';

/**
 * What the kernel itself uses for processes, namespaces, mounts and cgroups, as /proc/meminfo counts it (proc_meminfo(5)): slabs, stacks, page tables, and
 * the memory that each CPU has of its own. Not counted: pages that were allocated one by one, and the page cache. Percpu: Linux 4.20, SecPageTables: 6.1.
 */
const counted = ['Slab', 'KernelStack', 'PageTables', 'SecPageTables', 'Percpu'];

/** In kB, of the whole host: take the difference over many containers. */
export function kernelKilobytes(): number {
  const lines = readFileSync('/proc/meminfo', 'utf8').matchAll(/^(\w+):\s+(\d+) kB$/gm);
  return [...lines].reduce((sum, [, name = '', kilobytes]) => {
    return counted.includes(name) ? sum + Number(kilobytes) : sum;
  }, 0);
}
