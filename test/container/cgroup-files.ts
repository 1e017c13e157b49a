import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { detectCgroupLayout } from '../../src/containerizer/host/cgroup-layout.js';
import type { Stage } from './stage.js';

const host = detectCgroupLayout();

/** Where this host keeps limits: one definition of a test serves both. */
export const version: 1 | 2 = host.layout === 'unified' ? 2 : 1;

/** Does this host have the controller, by v1's name or v2's? */
export function hostHas(v1: string, v2: string): boolean {
  return version === 2 ? host.controllers.some(({ name }) => name === v2) : host.v1[v1] !== undefined;
}

/** A file's place on each layout: its v1 controller and name, and its name on v2. */
export interface CgroupFile {
  v1?: readonly [controller: string, file: string];
  v2?: string;
}

/** Where that file of a container is; undefined: this layout has none. */
export function pathOf(stage: Stage, id: string, { v1, v2 }: CgroupFile): string | undefined {
  const { cgroup_places: places } = findContainer(stage.roots, id).document;
  if (version === 2) return v2 === undefined ? undefined : path.join(places.unified ?? '', v2);
  return v1 === undefined
    ? undefined
    : path.join({ ...places.later, ...places.v1 }[v1[0]] ?? '/nowhere', v1[1]);
}

/** What the kernel itself says; undefined: this layout has no such file. */
export function kernelSays(stage: Stage, id: string, file: CgroupFile): string | undefined {
  const place = pathOf(stage, id, file);
  return place === undefined ? undefined : readFileSync(place, 'utf8').trim();
}

/** One number of a file with a line for each key; 0 where it has none. */
export function counter(stage: Stage, id: string, file: CgroupFile, key: string): number {
  return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(kernelSays(stage, id, file) ?? '')?.[1] ?? 0);
}

/** The whole disk that a folder lies on, MAJOR:MINOR; undefined where it lies on none. */
export function diskUnder(folder: string): string | undefined {
  const { dev } = statSync(folder, { bigint: true });
  const number = `${((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n)}:${(dev & 0xffn) | ((dev >> 12n) & 0xffffff00n)}`;
  const place = `/sys/dev/block/${number}`;
  if (!existsSync(place)) return undefined;
  if (!existsSync(`${place}/partition`)) return number;
  return readFileSync(path.join('/sys/dev/block', path.dirname(readlinkSync(place)), 'dev'), 'utf8').trim();
}

/** Bytes written to all disks, by the cgroup's own account. */
export function bytesWritten(stage: Stage, id: string): number {
  const text =
    kernelSays(stage, id, { v1: ['blkio', 'blkio.throttle.io_service_bytes'], v2: 'io.stat' }) ?? '';
  const found = version === 2 ? text.matchAll(/wbytes=(\d+)/g) : text.matchAll(/^\d+:\d+ Write (\d+)$/gm);
  return [...found].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}
