import { MasterClient, masterFlag } from '../cluster/master-client.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'End frameworks for good, with all their tasks',
  example: 'berth framework teardown 6f1c-0003',
  declare(command) {
    masterFlag(command).argument('<framework...>', 'ids');
  },
  async run({ json, out }, ids, flags) {
    const client = new MasterClient(flags as { master?: string });
    for (const id of ids) {
      await client.tell({ type: 'TEARDOWN', teardown: { framework_id: { value: id } } });
      if (!json) out(`${id}\n`);
    }
    if (json) out(`${JSON.stringify({ frameworks: ids })}\n`);
    return 0;
  },
};
