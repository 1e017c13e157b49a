import { trustedKeys } from '../../containerizer/trust/key-store.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'List the keys that may sign App Container Images',
  example: 'berth trust ls',
  declare() {},
  async run({ roots, json, out }) {
    const keys = await trustedKeys(roots);
    if (json) out(`${JSON.stringify({ keys })}\n`);
    else {
      const rows = keys.map(({ prefix, fingerprint, expires, users }) => [
        prefix ?? '(every name)',
        fingerprint,
        expires?.slice(0, 10) ?? '-',
        users.join(', ') || '-',
      ]);
      out(table(columns, rows));
    }
    return 0;
  },
};

const columns: Column[] = [
  { header: 'PREFIX' },
  { header: 'FINGERPRINT' },
  { header: 'EXPIRES' },
  { header: 'OWNER' },
];
