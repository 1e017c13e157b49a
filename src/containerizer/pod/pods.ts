import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { type Container, listContainers } from '../container/catalogue.js';
import { settle } from '../container/settle.js';

/** A pod as its containers' records tell of it. */
export interface Pod {
  uuid: string;
  name: string;
  /** `running` while any app does; `starting` before the first. */
  state: 'starting' | 'running' | 'exited';
  /** RFC 3339. */
  createdAt: string;
  /** Undefined: somebody has removed it alone. */
  keeper: Container | undefined;
  apps: Container[];
}

/** Every pod of an installation, oldest first. */
export function listPods(roots: Roots, onDamaged?: (error: BerthError) => void): Pod[] {
  const members = new Map<string, Container[]>();
  for (const found of listContainers(roots, onDamaged)) {
    const { pod } = found.document;
    if (pod === undefined) continue;
    const container = settle(roots, found);
    members.set(pod.uuid, [...(members.get(pod.uuid) ?? []), container]);
  }
  return [...members].map(([uuid, containers]) => podOf(uuid, containers));
}

function podOf(uuid: string, containers: Container[]): Pod {
  const keeper = containers.find(({ document }) => document.pod?.app === null);
  const apps = containers.filter((each) => each !== keeper);
  const [first] = containers;
  if (first === undefined) throw new RangeError('a pod has a container');
  const runs = (container: Container | undefined) => container?.state === 'running';
  return {
    uuid,
    name: first.document.pod?.name ?? uuid,
    state: apps.some(runs) ? 'running' : runs(keeper) ? 'starting' : 'exited',
    createdAt: (keeper ?? first).document.created_at,
    keeper,
    apps,
  };
}

/** The pod that a person means: its name, its uuid, or a beginning of that which fits no other. */
export function findPod(roots: Roots, wanted: string): Pod {
  const pods = listPods(roots, () => {});
  const exact = pods.find(({ uuid }) => uuid === wanted) ?? pods.find(({ name }) => name === wanted);
  if (exact !== undefined) return exact;
  const fitting = wanted === '' ? [] : pods.filter(({ uuid }) => uuid.startsWith(wanted));
  const [only, second] = fitting;
  if (only !== undefined && second === undefined) return only;
  throw new BerthError('POD_NOT_FOUND', {
    what: `pod ${wanted}`,
    why:
      only === undefined ? 'no pod has that name or uuid' : `${fitting.length} pods have uuids that begin so`,
    mend: 'See berth pod ls -a.',
  });
}
