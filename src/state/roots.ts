import { createHash } from 'node:crypto';
import path from 'node:path';

/** Where one installation keeps everything. Two different roots never see each other. */
export interface Roots {
  /** Durable: images, containers' upper directories and logs. */
  readonly root: string;
  /** Volatile: what runs now. Gone after a reboot. */
  readonly state: string;
}

export const defaultRoots: Roots = { root: '/var/lib/berth', state: '/run/berth' };

/** From `--root` and `--state`, else BERTH_ROOT and BERTH_STATE, else the defaults; always absolute. */
export function resolveRoots(flags: { root?: string; state?: string }, environment = process.env): Roots {
  return {
    root: path.resolve(flags.root ?? environment.BERTH_ROOT ?? defaultRoots.root),
    state: path.resolve(flags.state ?? environment.BERTH_STATE ?? defaultRoots.state),
  };
}

/** Marks what belongs to one root where names are host-wide, e.g. the cgroup `berth-1a2b3c4d`. */
export function rootHash({ root }: Roots): string {
  let hash = hashes.get(root);
  if (hash === undefined) {
    hash = createHash('sha256').update(root).digest('hex').slice(0, 8);
    hashes.set(root, hash);
  }
  return hash;
}

const hashes = new Map<string, string>();

/** Paths below the two roots. The one place that spells them. */
export const places = {
  trust: (r: Roots) => path.join(r.root, 'trust'),
  images: (r: Roots) => path.join(r.root, 'images'),
  containers: (r: Roots) => path.join(r.root, 'containers'),
  container: (r: Roots, id: string) => path.join(r.root, 'containers', id),
  volumes: (r: Roots) => path.join(r.root, 'volumes'),
  /** Files of /etc that a container has of its own. */
  ownFiles: (r: Roots, id: string) => path.join(r.root, 'containers', id, 'etc'),
  names: (r: Roots) => path.join(r.root, 'names'),
  trash: (r: Roots) => path.join(r.root, 'trash'),
  cache: (r: Roots) => path.join(r.root, 'cache'),
  recipes: (r: Roots) => path.join(r.root, 'cache', 'recipes'),
  events: (r: Roots) => path.join(r.root, 'events'),
  networks: (r: Roots) => path.join(r.root, 'networks'),
  running: (r: Roots) => path.join(r.state, 'containers'),
  run: (r: Roots, id: string) => path.join(r.state, 'containers', id),
  /** Sockets by which the metadata services of pods ask each other, called by uuids; containers see it. */
  podSockets: (r: Roots) => path.join(r.state, 'pods', 'sockets'),
} as const;

/** Claims of things that the whole host shares (id ranges), whatever the root. */
export const hostClaims = '/run/lock/berth';
