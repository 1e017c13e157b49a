import type { Policy, Requirement } from './document.js';

/** What an image is judged as: where it came from. For `docker` the whole name with its tag or digest, for others a path. */
export interface ImageSource {
  transport: string;
  scope: string;
}

/** `TRANSPORT:SCOPE`, as the store keeps it. */
export const sourceText = ({ transport, scope }: ImageSource) => `${transport}:${scope}`;

export function sourceOf(text: string): ImageSource {
  const colon = text.indexOf(':');
  return { transport: text.slice(0, colon), scope: text.slice(colon + 1) };
}

/** The requirements of the scope that fits best (containers-policy.json(5), "Supported transports and their scopes"). */
export function requirementsFor(policy: Policy, { transport, scope }: ImageSource): Requirement[] {
  const scopes = Object.hasOwn(policy.transports, transport) ? policy.transports[transport] : undefined;
  if (scopes === undefined) return policy.default;
  const candidates = transport === 'docker' ? dockerScopes(scope) : pathScopes(scope);
  for (const candidate of [...candidates, '']) {
    const found = Object.hasOwn(scopes, candidate) ? scopes[candidate] : undefined;
    if (found !== undefined) return found;
  }
  return policy.default;
}

/** The image itself, its repository, each namespace above, the host, and the domains above the host as `*.DOMAIN`. */
function dockerScopes(reference: string): string[] {
  const repository = repositoryOf(reference);
  const scopes = [reference];
  for (
    let part = repository;
    part !== '';
    part = part.includes('/') ? part.slice(0, part.lastIndexOf('/')) : ''
  )
    scopes.push(part);
  const labels = (repository.split('/')[0] ?? '').replace(/:\d+$/, '').split('.');
  for (let first = 1; first < labels.length; first++) scopes.push(`*.${labels.slice(first).join('.')}`);
  return scopes;
}

/** The path, with a tag behind it if there is one, and each folder above. */
function pathScopes(scope: string): string[] {
  const scopes = [scope];
  const colon = scope.lastIndexOf(':');
  let place = colon > scope.lastIndexOf('/') ? scope.slice(0, colon) : scope;
  while (place.length > 1) {
    scopes.push(place);
    place = place.slice(0, place.lastIndexOf('/'));
  }
  return scopes;
}

/** Without its tag and digest. */
export function repositoryOf(reference: string): string {
  const name = reference.split('@')[0] ?? '';
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}
