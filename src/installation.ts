import { closeSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder berth is installed in. This file and the bundle made of it lie equally deep: dist/src/ and dist/bundle/. */
export const installationFolder = fileURLToPath(new URL('../../', import.meta.url));

declare const bundleIdentity: string | undefined;

/** Of this very code; undefined: it was not bundled, and may be a mixture. */
export const codeIdentity = typeof bundleIdentity === 'string' ? bundleIdentity : undefined;

declare const daemonsIdentity: string | undefined;

/** The same of whatever bundle this runs from, daemons among them: what they are known by while what lies on the disk is exchanged. */
export const buildIdentity = typeof daemonsIdentity === 'string' ? daemonsIdentity : codeIdentity;

/** That of the daemons that lie on the disk, by the first line of their bundle (scripts/bundle.mjs). */
export function buildOnDisk(folder = installationFolder): string | undefined {
  try {
    const [, identity] =
      /^const daemonsIdentity = "([0-9a-f]+)";/.exec(beginning(`${folder}/dist/bundle/daemons.cjs`)) ?? [];
    return identity;
  } catch {
    return undefined;
  }
}

function beginning(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(200);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
