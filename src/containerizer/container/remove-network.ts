import { BerthError } from '../../errors/berth-error.js';
import { native } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
import { tellNamed } from '../events/tell.js';
import type { NetworkDocument } from '../network/document.js';
import { lockHostNetworks } from '../network/host-lock.js';
import { defaultNetwork, findNetwork, forgetNetwork, listNetworks } from '../network/store.js';
import { whileNobodyLaunches } from './launch-lock.js';
import { membersOf } from './neighbours.js';

/** Removes a network that no container is on. The default network can be removed too: it is made anew when it is needed. */
export async function removeNetwork(roots: Roots, name: string): Promise<void> {
  const lock = await lockHostNetworks();
  try {
    const alone = whileNobodyLaunches(roots, () => {
      const network = findNetwork(roots, name);
      refuseWithMembers(roots, name);
      forgetNetwork(roots, name);
      tellNamed(roots, 'network', name, 'destroy');
      lowerNetwork(network);
    });
    if (alone) return;
    throw new BerthError('NETWORK_IN_USE', {
      what: `network ${name}`,
      why: 'a container is being started',
      mend: 'Try again in a moment.',
    });
  } finally {
    lock.release();
  }
}

/**
 * Removes every network of the installation that no container is on, but for the default one; with `before` those that were made earlier (RFC 3339). Gives their
 * names. `onLeft` is told of those that a container has come to meanwhile, or that somebody else has removed.
 */
export async function pruneNetworks(
  roots: Roots,
  { before, onLeft }: { before?: string; onLeft: (text: string) => void },
): Promise<string[]> {
  const removed: string[] = [];
  for (const { name, created_at } of listNetworks(roots)) {
    if (before !== undefined && Date.parse(created_at) >= Date.parse(before)) continue;
    if (name === defaultNetwork || membersOf(roots, name).length > 0) continue;
    try {
      await removeNetwork(roots, name);
      removed.push(name);
    } catch (error) {
      if (!(error instanceof BerthError) || !/^NETWORK_(IN_USE|NOT_FOUND)$/.test(error.code)) throw error;
      onLeft(error.message);
    }
  }
  return removed;
}

/** Takes bridge and packet filter away; with the host's last network berth's table goes too. For who holds the host's lock. */
export function lowerNetwork({ bridge, internal }: Pick<NetworkDocument, 'bridge' | 'internal'>): void {
  const others = native()
    .hostNetworks()
    .interfaces.some(({ name, kind }) => kind === 'bridge' && name !== bridge && isBridgeOfOurs(name));
  native().lowerNetwork({ bridge, internal, last: !others });
}

export function isBridgeOfOurs(name: string): boolean {
  return /^berth(0|-[0-9a-f]{8})$/.test(name);
}

function refuseWithMembers(roots: Roots, name: string): void {
  const [first, ...more] = membersOf(roots, name).map(({ document }) => document.name);
  if (first === undefined) return;
  throw new BerthError('NETWORK_IN_USE', {
    what: `network ${name}`,
    why: `${[first, ...more].slice(0, 3).join(', ')}${more.length > 2 ? ` and ${more.length - 2} more` : ''} ${more.length === 0 ? 'is' : 'are'} on it`,
    mend: `End them first: berth rm -f ${first}.`,
  });
}
