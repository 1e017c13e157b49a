import { defaultLimits } from '../../containerizer/image/limits.js';
import { loopback } from '../../http/authentication.js';

/** What fetching may take of the host. Sizes in bytes, durations in seconds. */
export interface FetchLimits {
  /** Of one file. */
  size: number;
  /** Without a byte. */
  stall: number;
  redirects: number;
  /** Of all files in the cache. */
  cache: number;
  unpack: Omit<typeof defaultLimits, 'ids' | 'directoryBytes'>;
  /** Whether an address is this host's own, where services may trust whoever comes. */
  near(address: string): boolean;
}

const { ids, directoryBytes, ...unpack } = defaultLimits;

export const defaultFetchLimits: FetchLimits = {
  size: 16 * 2 ** 30,
  stall: 60,
  redirects: 10,
  cache: 2 * 2 ** 30,
  unpack,
  near: (address) => loopback(address) || address === '0.0.0.0' || address === '::',
};
