import { BerthError } from '../../errors/berth-error.js';

export function refused(what: string, why: string): BerthError {
  return new BerthError('SIGNATURE_REFUSED', {
    what,
    why,
    mend: 'See berth image verify, and containers-policy.json(5). To do without for this once: --insecure-options image.',
  });
}
