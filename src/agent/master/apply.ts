import type { OrderApply } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';

/** Does to the host what an operation has done to its resources, and says so. The master has kept it already. */
export function apply(
  agent: Agent,
  { framework_id, operation, uuid, checkpointed_resources }: OrderApply,
): void {
  agent.checkpointed = checkpointed_resources ?? [];
  agent.saveSelf();
  let failure: string | undefined;
  try {
    for (const volume of operation.create?.volumes ?? []) agent.volumes.create(volume);
    for (const volume of operation.destroy?.volumes ?? []) agent.volumes.destroy(volume);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
    agent.note(`operation ${operation.type}: ${failure}`);
  }
  agent.records.flushed(() =>
    agent.link.report({
      type: 'OPERATION',
      operation: {
        ...(framework_id !== undefined && { framework_id }),
        status: {
          state: failure === undefined ? 'OPERATION_FINISHED' : 'OPERATION_FAILED',
          uuid,
          ...(operation.id !== undefined && { operation_id: operation.id }),
          ...(failure !== undefined && { message: failure }),
        },
      },
    }),
  );
}
