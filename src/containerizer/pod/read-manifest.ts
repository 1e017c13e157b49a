import { closeSync, openSync, readSync } from 'node:fs';
import { type PodManifest, podManifestShape } from '../../appc-spec/pod-manifest.js';
import { ShapeError } from '../../oci-spec/shape.js';
import { invalidPod } from './trouble.js';

/** A pod manifest as it was written, and as it was understood: members that are not known stay in the first. */
export interface StatedPod {
  /** The file, or how else it was said. */
  what: string;
  stated: Record<string, unknown>;
  manifest: PodManifest;
}

/** Apps may see it whole, as often as they like. */
const mostBytes = 1 << 20;

/** `-`: standard input. */
export function readPodManifest(file: string): StatedPod {
  const what = file === '-' ? 'pod manifest' : `pod manifest ${file}`;
  let content: unknown;
  try {
    content = JSON.parse(readBounded(file, what));
  } catch (error) {
    if (error instanceof SyntaxError) throw invalidPod(what, `it is not JSON: ${error.message}`);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || error === null || !/^E[A-Z]+$/.test(code)) throw error;
    throw invalidPod(what, code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`);
  }
  return understood(content, what);
}

export function understood(content: unknown, what: string): StatedPod {
  try {
    const manifest = podManifestShape(content, '');
    if (manifest.apps.length === 0) throw new ShapeError('apps', 'a list with something in it');
    return { what, stated: content as Record<string, unknown>, manifest };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw invalidPod(what, error.message);
  }
}

function readBounded(file: string, what: string): string {
  const fd = file === '-' ? 0 : openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(mostBytes + 1);
    let length = 0;
    for (;;) {
      const part = readSync(fd, bytes, length, bytes.length - length, null);
      length += part;
      if (length > mostBytes) throw invalidPod(what, `it has more than ${mostBytes} bytes`);
      if (part === 0) return bytes.toString('utf8', 0, length);
    }
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}
