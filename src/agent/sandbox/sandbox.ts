import { lstatSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';
import { keptLogs, type SandboxPlace, sandboxFolder } from './place.js';

/** Whose a sandbox is, in the ids of its container: it is shown there by an id-mapped mount, so these are its ids on the disk as well. */
export interface SandboxOwner {
  uid: number;
  gid: number;
}

/**
 * Makes a task's sandbox, or finds it as it is, and points `latest` to it. The folders above are root's alone: what a task leaves in its sandbox, programs
 * with set-id bits among it, is out of everybody else's reach.
 */
export function makeSandbox(root: string, place: SandboxPlace): string {
  const folder = sandboxFolder(root, place);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  mkdirSync(path.dirname(folder), { recursive: true, mode: 0o700 });
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  point(path.join(path.dirname(folder), 'latest'), place.containerId);
  return folder;
}

function point(link: string, to: string): void {
  const fresh = `${link}.${process.pid}.tmp`;
  rmSync(fresh, { force: true });
  symlinkSync(to, fresh);
  renameSync(fresh, link);
}

/** The container that `latest` means. */
export function latestRun(root: string, place: SandboxPlace): string | undefined {
  try {
    return readlinkSync(path.join(path.dirname(sandboxFolder(root, place)), 'latest'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The container of a sandbox has ended and is about to be removed: its log stays, and the sandbox begins to grow old. */
export function endSandbox(roots: Roots, root: string, place: SandboxPlace): void {
  keepLogs(roots, root, place.containerId);
  retireSandbox(sandboxFolder(root, place));
}

/** From now on it grows old. */
export function retireSandbox(folder: string): void {
  const now = new Date();
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) utimesSync(folder, now, now);
}

/** Takes the log of a container that has ended to its sandbox's side, so that it outlives the container. To be called before the container is removed. */
export function keepLogs(roots: Roots, root: string, container: string): void {
  const from = path.join(places.container(roots, container), 'logs');
  const to = keptLogs(root, container);
  mkdirSync(path.dirname(to), { recursive: true, mode: 0o700 });
  try {
    renameSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It has written nothing, or they were kept before.
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

/** Where the log of a container lies, whether the container is still there or not. */
export function logFolder(roots: Roots, root: string, container: string): string {
  const kept = keptLogs(root, container);
  return lstatSync(kept, { throwIfNoEntry: false }) === undefined
    ? path.join(places.container(roots, container), 'logs')
    : kept;
}
