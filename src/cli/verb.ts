import type { Command } from 'commander';
import type { Roots } from '../state/roots.js';

/** What every verb is handed: where state lives and how to answer. */
export interface Context {
  roots: Roots;
  /** The words after the verb, as they were given. */
  argv: readonly string[];
  /** `--json` was given: exactly one document (or one object a line) on stdout. */
  json: boolean;
  out(text: string): void;
  /** Progress and warnings: stderr. */
  note(text: string): void;
}

/**
 * One verb of the command line, one file each. `declare` adds arguments and flags; `run` gets them parsed and resolves to the
 * exit status. Verbs hold no logic of their own: they parse, call the layer below, print.
 */
export interface Verb {
  summary: string;
  /** A whole command line that works. */
  example: string;
  declare(command: Command): void;
  run(context: Context, args: string[], flags: Record<string, unknown>): Promise<number> | number;
}
