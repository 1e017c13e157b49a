import { BerthError } from '../../errors/berth-error.js';

/** A pod that cannot be run as its manifest has it. */
export function invalidPod(what: string, why: string, mend?: string): BerthError {
  return new BerthError('POD_INVALID', { what, why, ...(mend === undefined ? {} : { mend }) });
}
