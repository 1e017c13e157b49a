import { type Command, InvalidArgumentError, Option } from 'commander';
import { bytes } from '../inspect/quantity.js';
import { instant } from './instant.js';
import type { Context } from './verb.js';

export interface PruneFlags {
  force?: true;
  all?: true;
  volumes?: true;
  /** RFC 3339. */
  filter?: string;
}

/** What every verb has that removes what is of no use. */
export function declarePruning(command: Command, force = 'without asking'): void {
  command
    .option('-f, --force', force)
    .addOption(
      new Option(
        '--filter <until=time>',
        'only what was made before: RFC 3339, or so long ago: 24h',
      ).argParser(until),
    );
}

export function limitOf({ filter }: PruneFlags): { before?: string } {
  return filter === undefined ? {} : { before: filter };
}

/** The document of what was removed; for people each name on a line, and what it gave back. */
export function tellPruned({ json, out }: Context, removed: Record<string, unknown[]>, size: number): void {
  if (json) {
    out(`${JSON.stringify({ ...removed, reclaimed_bytes: size })}\n`);
    return;
  }
  for (const [kind, names] of Object.entries(removed))
    for (const name of names) out(`${kind.replace(/s$/, '')} ${shown(name)}\n`);
  out(`Reclaimed: ${bytes(size)}\n`);
}

function shown(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item);
  const { name, digest } = item as { name: string | null; digest: string };
  return name ?? digest;
}

function until(text: string): string {
  const [key, ...rest] = text.split('=');
  if (key !== 'until') throw new InvalidArgumentError('It is until=TIME.');
  return instant(rest.join('='));
}
