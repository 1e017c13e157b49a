import type { Roots } from '../../state/roots.js';
import { type Filters, hasLabel, passes } from '../filters.js';
import { readHealth } from '../keeping/health-record.js';
import { type Container, findContainer, listContainers, shownState } from './catalogue.js';

/** The keys that containers are chosen by, with Docker's names. */
export const containerFilterKeys = [
  'id',
  'name',
  'status',
  'exited',
  'label',
  'ancestor',
  'network',
  'volume',
  'health',
  'before',
  'since',
] as const;
export type ContainerFilterKey = (typeof containerFilterKeys)[number];
export type ContainerFilters = Filters<ContainerFilterKey>;

/** What can be asked of `status`. */
export const containerStates = ['created', 'running', 'paused', 'exited', 'lost'] as const;

/** The ids of the containers that fit, oldest first. Throws where `before` or `since` names none. */
export function selectContainers(roots: Roots, filters: ContainerFilters): string[] {
  const born = (key: 'before' | 'since') =>
    filters[key]?.map((wanted) => findContainer(roots, wanted).document.created_at);
  const before = born('before');
  const since = born('since');
  return listContainers(roots, () => {})
    .filter(({ document: { created_at: created } }) => before?.some((time) => created < time) ?? true)
    .filter(({ document: { created_at: created } }) => since?.some((time) => created > time) ?? true)
    .filter((container) => passes(filters, (key, value) => fits(roots, container, key, value)))
    .map(({ document }) => document.id);
}

/** Do they ask for containers that do not run? */
export function asksForEnded({ status, exited }: ContainerFilters): boolean {
  return status !== undefined || exited !== undefined;
}

function fits(roots: Roots, container: Container, key: ContainerFilterKey, value: string): boolean {
  const { document, process, exit } = container;
  switch (key) {
    case 'id':
      return document.id.startsWith(value);
    case 'name':
      return new RegExp(value).test(document.name);
    case 'status':
      return shownState(container) === value;
    case 'exited':
      return shownState(container) === 'exited' && String(exit?.status) === value;
    case 'label':
      return hasLabel(document.labels, value);
    case 'ancestor':
      return isOf(document.image, document.manifest_digest, value);
    case 'network':
      return document.network === value || document.networks.includes(value);
    case 'volume':
      return document.volumes.some(({ name, source, target }) => [name, source, target].includes(value));
    case 'health':
      return (readHealth(roots, document.id, process?.started_at)?.status ?? 'none') === value;
    default:
      return true;
  }
}

/** By its name, with or without the tag, or by the digest of its manifest. */
function isOf(image: string, digest: string, wanted: string): boolean {
  const hex = wanted.replace(/^sha256:/, '');
  return (
    image === wanted ||
    image.startsWith(`${wanted}:`) ||
    (/^[0-9a-f]{6,64}$/.test(hex) && digest.startsWith(`sha256:${hex}`))
  );
}
