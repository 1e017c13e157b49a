import { isNativeError, native } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
import type { BerthEvent } from './event.js';

/** Where nothing can be written, what was done is done all the same. */
const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** Tells the journal what has just been done. What supervisors do they tell themselves (native/init/journal.cc). */
export function tellEvent(
  roots: Roots,
  { type, action, id, name, image, attributes }: Omit<BerthEvent, 'time'>,
): void {
  const members = JSON.stringify({ type, action, id, name, image, attributes }).slice(1, -1);
  try {
    native().appendEvent(roots.root, members);
  } catch (error) {
    if (!isNativeError(error) || !noRoom.has(error.code)) throw error;
  }
}

/** The same of a container. */
export function tellContainer(
  roots: Roots,
  { id, name, image }: { id: string; name: string; image: string },
  action: string,
  attributes: BerthEvent['attributes'] = {},
): void {
  tellEvent(roots, { type: 'container', action, id, name, image, attributes });
}

/** The same of something that has a name and no other id. */
export function tellNamed(
  roots: Roots,
  type: 'volume' | 'network',
  name: string,
  action: string,
  attributes: BerthEvent['attributes'] = {},
): void {
  tellEvent(roots, { type, action, id: name, name, image: null, attributes });
}

/** The same of an image under one of its names. */
export function tellImage(roots: Roots, digest: string, name: string | null, action: string): void {
  tellEvent(roots, { type: 'image', action, id: digest, name, image: name, attributes: {} });
}
