import type { Command } from 'commander';
import { identifierPattern } from '../appc-spec/names.js';
import type { Scope } from '../containerizer/trust/key-store.js';
import { usageError } from './report.js';

export function declareScope(command: Command): void {
  command
    .option('--prefix <name>', 'for images of that name, and of names below it')
    .option('--all', 'for every image');
}

export function scopeOf(verb: string, { prefix, all }: Record<string, unknown>): Scope {
  if ((prefix === undefined) === (all !== true))
    throw usageError(
      verb,
      'it takes --prefix NAME or --all',
      'Say for which images: --prefix example.com/app.',
    );
  if (typeof prefix !== 'string') return { root: true };
  if (identifierPattern.test(prefix)) return { prefix };
  throw usageError(
    `--prefix ${prefix}`,
    'it is not the name of an App Container Image',
    'As in example.com/app.',
  );
}
