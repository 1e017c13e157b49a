import { BerthError } from '../../errors/berth-error.js';

/** Owners, capabilities and whiteouts of an image can only be written by root. */
export function requireRoot(what: string): void {
  if (process.geteuid?.() === 0) return;
  throw new BerthError('NOT_ROOT', {
    what,
    why: 'unpacking sets owners and capabilities, which needs root',
    mend: 'Run it as root, e.g. with sudo.',
  });
}
