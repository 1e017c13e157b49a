import { defaultLimits } from '../../containerizer/image/limits.js';

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
}

const { ids, directoryBytes, ...unpack } = defaultLimits;

export const defaultFetchLimits: FetchLimits = {
  size: 16 * 2 ** 30,
  stall: 60,
  redirects: 10,
  cache: 2 * 2 ** 30,
  unpack,
};
