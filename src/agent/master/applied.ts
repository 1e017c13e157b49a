import { storedReader } from '../../mesos/json-read.js';
import { messageWriter } from '../../mesos/json-write.js';
import type { Operation, OperationState, OrderApply, Report } from '../../mesos/messages.js';
import { messageType } from '../../mesos/schema.js';
import { documentName, type Store } from '../../state/store/store.js';

const table = 'operation';

/** What became of an operation on this host, kept until the master has it in its own store: one that is ordered again is not done again. */
export interface Applied {
  order: OrderApply;
  state: Extract<OperationState, 'OPERATION_FINISHED' | 'OPERATION_FAILED'>;
  message?: string;
}

interface StoredApplied extends Pick<Applied, 'state' | 'message'> {
  order: unknown;
}

export const appliedKey = ({ uuid }: Pick<OrderApply, 'uuid'>) => Buffer.from(uuid.value).toString('hex');

export function putApplied(store: Store, { order, ...rest }: Applied): void {
  // The total is the agent's own, and kept with it.
  const { checkpointed_resources: _, ...own } = order;
  const write = messageWriter(messageType('berth.v1.Order.Apply'));
  store.put(table, appliedKey(order), { ...rest, order: write(own) } satisfies StoredApplied);
}

export function deleteApplied(store: Store, key: string): void {
  store.delete(table, key);
}

export function recoveredApplied(store: Store): Applied[] {
  const prefix = documentName(table, '');
  const read = storedReader(messageType('berth.v1.Order.Apply'));
  return [...store.recovered()]
    .filter(([name]) => name.startsWith(prefix))
    .map(([, document]) => {
      const stored = document as StoredApplied;
      return { ...stored, order: read(stored.order, '') as OrderApply };
    });
}

/** What the master is told of it, until it says that it has it. */
export function reportOf({ order, state, message }: Applied): Report {
  const { framework_id, operation, uuid } = order;
  return {
    type: 'OPERATION',
    operation: {
      ...(framework_id !== undefined && { framework_id }),
      status: {
        ...{ state, uuid },
        ...(operation.id !== undefined && { operation_id: operation.id }),
        ...(message !== undefined && { message }),
      },
    },
  };
}

/** As the operator's API shows it. */
export function operationView({ order, state, message }: Applied): Operation {
  const { framework_id, operation, uuid } = order;
  const latest_status = { state, ...(message !== undefined && { message }) };
  return {
    ...(framework_id !== undefined && { framework_id }),
    ...{ info: operation, latest_status, statuses: [latest_status], uuid },
  };
}
