import { chmodSync, chownSync, closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { native } from '../../native/index.js';
import type { SandboxOwner } from './sandbox.js';

/** No image has a longer list of users that means any good. */
const longestList = 4 * 1024 * 1024;

/**
 * The ids of a user inside a container: `NAME`, `UID`, `NAME:GROUP` or `UID:GID`, names by the image's own lists. `layers` are its directories, topmost first.
 * Undefined: the image does not know the user, and the launch will say so.
 */
export function ownerOf(user: string, layers: readonly string[]): SandboxOwner | undefined {
  const [name = '', group] = user.split(':');
  if (name === '' || name === 'root' || name === '0') return { uid: 0, gid: idOf(group, layers) ?? 0 };
  const known = listed(layers, 'etc/passwd').find((fields) => fields[0] === name || fields[2] === name);
  const uid = number(known?.[2]) ?? number(name);
  if (uid === undefined) return undefined;
  return { uid, gid: idOf(group, layers) ?? number(known?.[3]) ?? 0 };
}

function idOf(group: string | undefined, layers: readonly string[]): number | undefined {
  if (group === undefined) return undefined;
  return number(group) ?? number(listed(layers, 'etc/group').find((fields) => fields[0] === group)?.[2]);
}

const number = (text: string | undefined) =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;

function listed(layers: readonly string[], file: string): string[][] {
  for (const layer of layers) {
    const text = readInside(layer, file);
    if (text !== undefined) return text.split('\n').map((line) => line.split(':'));
  }
  return [];
}

/** A regular file of an image, reached inside it alone. */
function readInside(layer: string, file: string): string | undefined {
  let handle: number;
  try {
    handle = native().openInFolder(layer, file);
  } catch {
    // Not in this layer, or nothing that could be read.
    return undefined;
  }
  try {
    const status = fstatSync(handle);
    if (!status.isFile() || status.size > longestList) return undefined;
    const fd = openSync(`/proc/self/fd/${handle}`, 'r');
    try {
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(handle);
  }
}

/** Makes a sandbox, or a folder of one that nobody uses yet, its task's own. */
export function giveSandbox(folder: string, { uid, gid }: SandboxOwner): void {
  chownSync(folder, uid, gid);
  chmodSync(folder, 0o755);
}
