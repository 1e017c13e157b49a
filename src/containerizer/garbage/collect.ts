import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { whileNobodyLaunches } from '../container/launch-lock.js';
import { idleCgroups, idleLayers, lostContainers, remains } from './container-leaks.js';
import type { Leak } from './leak.js';
import { networkLeaks, tidyClaims } from './network-leaks.js';

export type HealedLeak = Pick<Leak, 'kind' | 'name' | 'detail'> & { healed: boolean };

/**
 * Finds what an installation has leaked, and heals it unless told to only look. A container's own mounts and network namespaces are not looked for: they live in its own namespaces and go
 * with its last process.
 */
export async function collectGarbage(roots: Roots, { dryRun }: { dryRun: boolean }): Promise<HealedLeak[]> {
  // Ends first: what they held is then nobody's.
  const found = await heal(lostContainers(roots), dryRun);
  found.push(...(await heal(await findQuietly(roots), dryRun)));
  if (!dryRun) tidyClaims();
  return found;
}

async function heal(leaks: Leak[], dryRun: boolean): Promise<HealedLeak[]> {
  const all: HealedLeak[] = [];
  for (const leak of leaks) {
    const { kind, name, detail } = leak;
    all.push({ kind, name, detail, healed: !dryRun && (await leak.heal()) });
  }
  return all;
}

const tries = 200;
const pauseMilliseconds = 50;

/** Looks while no container is on its way: half of it would look like a leak. */
async function findQuietly(roots: Roots): Promise<Leak[]> {
  let leaks: Leak[] = [];
  const look = () => {
    leaks = [...remains(roots), ...networkLeaks(roots), ...idleCgroups(roots), ...idleLayers(roots)];
  };
  for (let i = 0; i < tries; i++) {
    if (whileNobodyLaunches(roots, look)) return leaks;
    await sleep(pauseMilliseconds);
  }
  throw new BerthError('CONTAINER_STATE', {
    what: 'gc',
    why: 'containers are being started all the time',
    mend: 'Try again in a moment.',
  });
}
