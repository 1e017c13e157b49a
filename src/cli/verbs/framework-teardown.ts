import { BerthError } from '../../errors/berth-error.js';
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
      await teardown(client, id);
      if (!json) out(`${id}\n`);
    }
    if (json) out(`${JSON.stringify({ frameworks: ids })}\n`);
    return 0;
  },
};

/** By id alone: several frameworks may have one name, and those that end so do not come back. */
async function teardown(client: MasterClient, id: string): Promise<void> {
  try {
    await client.tell({ type: 'TEARDOWN', teardown: { framework_id: { value: id } } });
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== 'MASTER_REFUSED') throw error;
    throw await withIds(client, id, error);
  }
}

async function withIds(client: MasterClient, name: string, refusal: BerthError): Promise<BerthError> {
  const { frameworks = [] } = await client.ask({ type: 'GET_FRAMEWORKS' }, 'get_frameworks');
  const idOf = (each: (typeof frameworks)[number]) => each.framework_info.id?.value ?? '';
  if (frameworks.some((each) => idOf(each) === name)) return refusal;
  const ids = frameworks.filter((each) => each.framework_info.name === name).map(idOf);
  return new BerthError('MASTER_REFUSED', {
    what: `framework ${name}`,
    why: 'the master knows none with that id',
    mend:
      ids.length === 0
        ? 'berth framework ls shows their ids.'
        : `${ids.length === 1 ? 'One of that name has the id' : 'Those of that name have the ids'} ${ids.join(', ')}.`,
    cause: refusal,
  });
}
