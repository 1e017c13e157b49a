import { listContainers, shownState } from '../../containerizer/container/catalogue.js';
import { readNames } from '../../containerizer/image/names.js';
import { listNetworks } from '../../containerizer/network/store.js';
import { listVolumes } from '../../containerizer/volume/store.js';
import type { Roots } from '../../state/roots.js';

/** What can be typed, and what a shell may show beside it. */
export interface Candidate {
  text: string;
  hint: string;
}

/** What there is by name. */
export type NameKind = 'container' | 'image' | 'volume' | 'network';

export function namesOf(roots: Roots, kind: NameKind, states?: readonly string[]): Candidate[] {
  switch (kind) {
    case 'container':
      return listContainers(roots, () => {})
        .filter((container) => states?.includes(shownState(container)) ?? true)
        .map((container) => ({
          text: container.document.name,
          hint: `${shownState(container)}, ${container.document.image}`,
        }));
    case 'image':
      return Object.keys(readNames(roots).images).map((text) => ({ text, hint: 'image' }));
    case 'volume':
      return listVolumes(roots).map(({ document }) => ({ text: document.name, hint: 'volume' }));
    case 'network':
      return listNetworks(roots).map(({ name, subnet }) => ({ text: name, hint: subnet }));
  }
}
