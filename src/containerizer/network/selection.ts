import type { Roots } from '../../state/roots.js';
import { type Filters, hasLabel, passes } from '../filters.js';
import type { NetworkDocument } from './document.js';
import { listNetworks } from './store.js';

/** The keys that networks are chosen by, with Docker's names. An id is the name, of which `id` takes a part. */
export const networkFilterKeys = ['name', 'id', 'label', 'driver'] as const;
export type NetworkFilters = Filters<(typeof networkFilterKeys)[number]>;

/** All networks that fit, by name. */
export function selectNetworks(roots: Roots, filters: NetworkFilters): NetworkDocument[] {
  return listNetworks(roots).filter(({ name, labels }) =>
    passes(filters, (key, value) => {
      switch (key) {
        case 'name':
          return new RegExp(value).test(name);
        case 'id':
          return name.includes(value);
        case 'label':
          return hasLabel(labels, value);
        case 'driver':
          return value === 'bridge';
      }
    }),
  );
}
