import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError } from '../../native/index.js';
import { writeWhole } from '../../state/atomic-file.js';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import type { AttachmentWish } from '../network/document.js';
import { type Container, readContainer } from './catalogue.js';
import { readRecord } from './container-record.js';
import type { ContainerDocument } from './document.js';
import { changeRequest, lockStart } from './kept-request.js';
import { lockLaunch } from './launch-lock.js';
import { choiceOf, wishesOf } from './network.js';
import { settle } from './settle.js';

/**
 * Acts on a container as it is on record, while nobody starts, renames, updates or removes it, removes a network, or looks for leaks: half a change would be one.
 */
export async function whileItsNetworksChange(
  roots: Roots,
  { document: { id, name } }: Container,
  act: (now: Container) => Promise<void>,
): Promise<void> {
  const start = lockStart(roots, id, name);
  try {
    const launching = await lockLaunch(roots);
    try {
      const update = await FileLock.take(path.join(roots.root, 'update.lock'));
      try {
        const found = readContainer(roots, id);
        const now = found === undefined ? undefined : settle(roots, found);
        if (now === undefined) throw unfit(name, 'it was removed meanwhile');
        if (now.document.pod !== undefined)
          throw unfit(
            name,
            `it belongs to pod ${now.document.pod.name}, whose networks are chosen at its start`,
          );
        await act(now);
      } catch (error) {
        // The folder of one that leaves nothing. What the kernel does not find is something else.
        if (!isNativeError(error) && (error as NodeJS.ErrnoException).code === 'ENOENT')
          throw unfit(name, 'it has just ended');
        throw error;
      } finally {
        update.release();
      }
    } finally {
      launching.release();
    }
  } finally {
    start?.release();
  }
}

export type NetworksOnRecord = Pick<
  ContainerDocument,
  'network' | 'networks' | 'attachments' | 'idle_ports' | 'holds_network'
>;

/** Puts on record what a container has of networks from now on, and what it is to have after its next start. */
export function recordNetworks(
  roots: Roots,
  { id, networks: before }: ContainerDocument,
  { network, networks, attachments, idle_ports, holds_network }: NetworksOnRecord,
  wish: AttachmentWish | undefined,
): void {
  const now = { network, networks, attachments, idle_ports, holds_network };
  changeRequest(roots, id, (options) => {
    const gone = new Set(before.filter((name) => !networks.includes(name)));
    const kept = wishesOf(options).filter(
      (each) => !gone.has(each.network) && each.network !== wish?.network,
    );
    return { ...options, ...choiceOf([...kept, ...(wish === undefined ? [] : [wish])]) };
  });
  for (const folder of [places.container(roots, id), places.run(roots, id)]) {
    const file = path.join(folder, 'container.json');
    const document = readRecord(file);
    if (document !== undefined) writeWhole(file, JSON.stringify({ ...document, ...now }));
  }
}

export function unfit(name: string, why: string, mend?: string): BerthError {
  const what = `container ${name}`;
  return new BerthError('CONTAINER_STATE', { what, why, ...(mend === undefined ? {} : { mend }) });
}
