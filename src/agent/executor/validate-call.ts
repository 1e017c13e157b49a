import { HttpError } from '../../http/http-error.js';
import type { ExecutorCall } from '../../mesos/messages.js';

const uuidLength = 16;

/** What can be said of a call by itself. Throws HttpError 400, in the order of the reference. A SUBSCRIBE without its body is one of an executor that has nothing to say. */
export function validateCall({ type, executor_id, update, message }: ExecutorCall): void {
  if (type === undefined) throw invalid("Expecting 'type' to be present");
  if (type === 'UNKNOWN') throw invalid('Unknown call type');
  if (type === 'MESSAGE' && message === undefined) throw invalid("Expecting 'message' to be present");
  if (type !== 'UPDATE') return;
  if (update === undefined) throw invalid("Expecting 'update' to be present");
  const { status } = update;
  if (status.uuid === undefined) throw invalid("Expecting 'uuid' to be present");
  if (status.uuid.length !== uuidLength) throw invalid('Malformed UUID');
  if (status.executor_id !== undefined && status.executor_id.value !== executor_id.value)
    throw invalid(
      `ExecutorID in Call: ${executor_id.value} does not match ExecutorID in TaskStatus: ${status.executor_id.value}`,
    );
  if (status.source !== 'SOURCE_EXECUTOR')
    throw invalid(
      `Received Call from executor ${executor_id.value} with invalid source, expecting 'SOURCE_EXECUTOR'`,
    );
  if (status.state === 'TASK_STAGING')
    throw invalid(`Received TASK_STAGING from executor ${executor_id.value} which is not allowed`);
}

const invalid = (message: string) => new HttpError(400, message);
