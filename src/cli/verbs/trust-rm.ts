import { distrustKey } from '../../containerizer/trust/key-store.js';
import { declareScope, scopeOf } from '../trust-scope.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Trust keys no longer',
  example: 'berth trust rm --prefix example.com/app 8B1A0D5C',
  declare(command) {
    command.argument('<fingerprint...>', 'or its last digits, eight and more');
    declareScope(command);
  },
  run({ roots, json, out }, fingerprints, flags) {
    const scope = scopeOf('trust rm', flags);
    const removed = fingerprints.map((each) => distrustKey(roots, scope, each));
    if (json) out(`${JSON.stringify({ fingerprints: removed })}\n`);
    else out(removed.map((each) => `${each}\n`).join(''));
    return 0;
  },
};
