/** A repository as people name it: `docker.io` and `library/busybox`. */
export interface Location {
  registry: string;
  repository: string;
}

const dockerHub = 'docker.io';

/** Where Docker Hub really answers. */
const hubHost = 'registry-1.docker.io';

/**
 * Of a name as the store has it. What stands before the first slash is a registry if it could be a host: it has a dot, a port, a capital, or is `localhost`
 * (docs of distribution/reference).
 */
export function locationOf(name: string): Location {
  if (!namesRegistry(name)) return hubbed(dockerHub, name);
  const slash = name.indexOf('/');
  return hubbed(name.slice(0, slash).toLowerCase(), name.slice(slash + 1));
}

export function namesRegistry(name: string): boolean {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  return first === 'localhost' || /[.:A-Z]/.test(first);
}

function hubbed(registry: string, repository: string): Location {
  if (registry !== dockerHub && registry !== `index.${dockerHub}`) return { registry, repository };
  return { registry: dockerHub, repository: repository.includes('/') ? repository : `library/${repository}` };
}

/** The host, with its port, that answers for a registry. */
export function hostOf(registry: string): string {
  return registry === dockerHub || registry === `index.${dockerHub}` ? hubHost : registry;
}

/** Hosts that only this machine reaches: they may speak plain HTTP, as Docker has it. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name);
}
