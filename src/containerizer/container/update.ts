import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { native } from '../../native/index.js';
import type { RuntimeConfig, RuntimeResources } from '../../oci-spec/runtime.js';
import { writeWhole } from '../../state/atomic-file.js';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import { tellContainer } from '../events/tell.js';
import { limitsSwap } from '../host/swap-accounting.js';
import type { Container } from './catalogue.js';
import { type CgroupPlaces, cgroupFacts, layoutOfHost } from './cgroup-places.js';
import { readRecord } from './container-record.js';
import { changedResources, limitsOf, neededControllers } from './describe/resources.js';
import { explainRefusal } from './launch-error.js';
import { checkLimits } from './limit-check.js';
import type { ResourceLimits } from './limits.js';

/**
 * Changes limits of a container that runs, and what is kept of them, so that its config.json stays the truth. What is not said stays. When the kernel
 * refuses one, all are as they were.
 */
export async function updateContainer(
  roots: Roots,
  { document: changed, state }: Container,
  limits: ResourceLimits,
): Promise<void> {
  const { id, name, cgroup_places } = changed;
  if (state !== 'running') throw notRunning(name);
  // One change at a time: each starts from what the last has written.
  const lock = await FileLock.take(path.join(roots.root, 'update.lock'));
  try {
    const file = path.join(places.run(roots, id), 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as RuntimeConfig;
    const before = config.linux.resources;
    const facts = { limitsSwap: limitsSwap(layoutOfHost()) };
    const after = changedResources(before, checkLimits(limits, before), facts);
    await native()
      .updateLimits({
        cgroup: JSON.stringify(cgroupFacts(cgroup_places)),
        before: JSON.stringify(before),
        after: JSON.stringify(after),
      })
      .catch((error) => {
        throw explainRefusal(error, `container ${name}`);
      });
    writeWhole(file, JSON.stringify({ ...config, linux: { ...config.linux, resources: after } }));
    const joined = joinedPlaces(cgroup_places, after);
    // Whoever sends another program into the container finds here which cgroups it is to join.
    const factsFile = path.join(places.run(roots, id), 'launch.json');
    const launched = JSON.parse(readFileSync(factsFile, 'utf8')) as object;
    writeWhole(factsFile, JSON.stringify({ ...launched, cgroup: cgroupFacts(joined) }));
    for (const folder of [places.container(roots, id), places.run(roots, id)]) {
      const record = path.join(folder, 'container.json');
      const document = readRecord(record);
      if (document !== undefined)
        writeWhole(record, JSON.stringify({ ...document, limits: limitsOf(after), cgroup_places: joined }));
    }
    tellContainer(roots, changed, 'update', { limits: limitsOf(after) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw notRunning(name);
    throw error;
  } finally {
    lock.release();
  }
}

/** Where it lies now: a limit of a v1 hierarchy that it was not in has taken it there. */
function joinedPlaces(before: CgroupPlaces, after: RuntimeResources): CgroupPlaces {
  const needed = neededControllers(after);
  const later = Object.entries(before.later ?? {});
  return {
    ...before,
    v1: { ...before.v1, ...Object.fromEntries(later.filter(([name]) => needed.has(name))) },
    later: Object.fromEntries(later.filter(([name]) => !needed.has(name))),
  };
}

function notRunning(name: string): BerthError {
  return new BerthError('CONTAINER_STATE', { what: `container ${name}`, why: 'it is not running' });
}
