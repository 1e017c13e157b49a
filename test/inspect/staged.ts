import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ContainerDocument } from '../../src/containerizer/container/document.js';
import type { InspectedTask } from '../../src/inspect/task-source.js';
import { places, type Roots } from '../../src/state/roots.js';
import { statField } from './load.js';

/** A task as the containerizer would tell of it, for a process that the test started. */
export function taskAt(pid: number | null, change: Partial<InspectedTask> = {}): InspectedTask {
  return {
    id: '0123456789abcdef0123456789abcdef',
    name: 'loaded',
    image: 'oci:images/load:latest',
    zone: null,
    state: 'running',
    pid,
    pidStartTime: pid === null ? null : statField(pid, 22),
    startedAt: new Date().toISOString(),
    cgroup: { procs: null, controllers: {} },
    ...change,
  };
}

/** Writes the state of a running container the way its supervisor does. */
export function stageContainer(
  roots: Roots,
  id: string,
  name: string,
  pid: number,
  cgroup: object = {},
): void {
  const folder = places.run(roots, id);
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString();
  const task = { pid, start_time: statField(pid, 22) };
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const write = (file: string, content: object) =>
    writeFileSync(path.join(folder, file), JSON.stringify({ format: 1, ...content }));
  write('container.json', containerAt(id, name, at, cgroup));
  write('state.json', { boot_id: bootId, supervisor: task, task, started_at: at });
}

/** The members of container.json that inspection depends on, as the containerizer writes them. */
export function containerAt(
  id: string,
  name: string,
  createdAt: string,
  cgroup: object = {},
): Partial<ContainerDocument> {
  return {
    format: 1,
    id,
    name,
    image: 'oci:images/load:latest',
    created_at: createdAt,
    remove: false,
    cgroup: { layout: 'none', procs: null, controllers: {}, ...cgroup },
    cgroup_places: {
      layout: 'none',
      unified: null,
      supervisors: null,
      scope: null,
      unifiedControls: false,
      v1: {},
    },
  };
}

/** Where this host keeps a controller: its own v1 hierarchy, or the unified one with the controller handed down. */
export function hierarchyOf(controller: string): { root: string; version: 1 | 2 } | undefined {
  const root = `/sys/fs/cgroup/${controller}`;
  if (existsSync(`${root}/cgroup.procs`)) return { root, version: 1 };
  const unified = '/sys/fs/cgroup';
  const controllers = `${unified}/cgroup.controllers`;
  if (!existsSync(controllers) || !readFileSync(controllers, 'utf8').split(/\s/).includes(controller))
    return undefined;
  // Without root the tests that want one are skipped for that.
  if (process.geteuid?.() === 0) writeFileSync(`${unified}/cgroup.subtree_control`, `+${controller}`);
  return { root: unified, version: 2 };
}

/** A cgroup of this test's own, with these processes in it; `remove` after they have ended. */
export function makeCgroup(root: string, pids: number[]): { directory: string; remove(): void } {
  const directory = `${root}/berth-test-${process.pid}-${made++}`;
  mkdirSync(directory);
  for (const pid of pids) writeFileSync(`${directory}/cgroup.procs`, `${pid}`);
  return { directory, remove: () => rmdirSync(directory) };
}

let made = 0;
