import path from 'node:path';
import { constant, map, type Of, object, ShapeError, text } from '../../oci-spec/shape.js';
import { discardTorn, writeWhole } from '../../state/atomic-file.js';
import { readDocument } from '../../state/json-file.js';
import type { Roots } from '../../state/roots.js';
import { Journal } from '../events/journal.js';
import { parseReference } from '../image/reference.js';
import { storePaths } from '../image/store.js';

const shape = object(
  {
    format: constant(1),
    /** Up to when the journal has been read; RFC 3339. */
    until: text(),
    /** When each name was last used, as far as it is known; RFC 3339. */
    uses: map(text(), 1_000_000),
  },
  {},
);

type Uses = Of<typeof shape>;

/** When images were last used by containers, from the journal and from what earlier collections have kept of it. Times in milliseconds of the epoch. */
export class LastUses {
  private constructor(
    private readonly uses: Map<string, number>,
    /** Before that nothing is known: what was not used since may have been used just then. */
    private readonly knownSince: number,
    private readonly readUntil: number,
  ) {}

  static read(roots: Roots): LastUses {
    const kept = readKept(roots);
    const uses = new Map(Object.entries(kept?.uses ?? {}).map(([name, at]) => [name, Date.parse(at)]));
    const readUntil = kept === undefined ? Number.NEGATIVE_INFINITY : Date.parse(kept.until);
    const journal = new Journal(roots);
    let oldest: number | undefined;
    let newest = readUntil;
    try {
      for (const { type, time, image } of journal.events()) {
        const at = Date.parse(time);
        oldest ??= at;
        newest = Math.max(newest, at);
        if (type !== 'container' || image === null) continue;
        const name = canonical(image);
        uses.set(name, Math.max(uses.get(name) ?? 0, at));
      }
      const whole = journal.first === 1 || oldest === undefined || readUntil >= oldest;
      return new LastUses(uses, whole ? 0 : (oldest ?? 0), newest);
    } finally {
      journal.close();
    }
  }

  /** Not before `from`, when it came into the store. */
  of(names: readonly string[], from: number): number {
    return Math.max(from, this.knownSince, ...names.map((name) => this.uses.get(name) ?? 0));
  }

  /** Keeps what is known of these names: the journal forgets. On a full disk nothing is kept, and so more is thought to be in use. */
  keep(roots: Roots, names: readonly string[]): void {
    if (!Number.isFinite(this.readUntil)) return;
    const iso = (at: number) => new Date(at).toISOString();
    const uses = Object.fromEntries(
      names
        .map((name) => [name, Math.max(this.knownSince, this.uses.get(name) ?? 0)] as const)
        .filter(([, at]) => at > 0)
        .map(([name, at]) => [name, iso(at)]),
    );
    const document: Uses = { format: 1, until: iso(this.readUntil), uses };
    const file = usesFile(roots);
    try {
      discardTorn(file);
      writeWhole(file, `${JSON.stringify(document)}\n`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    }
  }
}

const usesFile = (roots: Roots) => path.join(storePaths(roots).base, 'uses.json');

function readKept(roots: Roots): Uses | undefined {
  try {
    const document = readDocument<Uses>(usesFile(roots), 1);
    return document === undefined ? undefined : shape(document, '');
  } catch (error) {
    // It can be had again from the journal; and what is not known counts as used.
    if (error instanceof ShapeError || (error as { code?: string }).code === 'STATE_DAMAGED')
      return undefined;
    throw error;
  }
}

function canonical(image: string): string {
  try {
    return parseReference(image).canonical;
  } catch {
    // A name that only an older version took.
    return image;
  }
}
