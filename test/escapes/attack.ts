import type { ErrorCode } from '../../src/errors/table.js';
import type { Scene } from './scene.js';

/** Whose door is tried: the families of docs/security.md. */
export type Family =
  | 'paths in the root'
  | 'procfs'
  | 'descriptors'
  | 'privileges'
  | 'metadata'
  | 'layers'
  | 'programs sent in'
  | 'terminals'
  | 'files in and out'
  | 'left behind';

/** One way out of a container, or into the host by way of an image, that other runtimes had. */
export interface Attack {
  family: Family;
  /** What is tried, in a line. */
  name: string;
  /** Where it worked: CVE or GHSA numbers. */
  known: readonly string[];
  /** The name of what stops it, in native/: `holds("…")`. */
  defence: string;
  /** How berth answers: with an error, or by a run in which nothing is reached. */
  stopped: ErrorCode | 'harmless';
  /** Why it cannot be tried on this host; undefined: it can. */
  lacking?: (scene: Scene) => string | undefined;
  /**
   * Tries it for real. Resolves to what of the host was reached, if that can be told from inside; whatever it changes in the
   * scene's canary is seen anyway. Rejects as berth does.
   */
  attempt: (scene: Scene) => Promise<string | undefined>;
}

/** What was printed, if anything was. */
export function reached(text: string): string | undefined {
  return text === '' ? undefined : text;
}
