import { HttpError } from '../../http/http-error.js';
import { protobufCodec } from '../../mesos/codec.js';
import type { ExecutorCall, TaskStatus } from '../../mesos/messages.js';

const uuidLength = 16;
/** Bytes. What waits for an acknowledgement is kept on the disk and in memory. */
const mostStatus = 1024 * 1024;
/** Bytes of a message to the framework. */
const mostMessage = 8 * 1024 * 1024;

/** What can be said of a call by itself. Throws HttpError 400, in the order of the reference. A SUBSCRIBE without its body is one of an executor that has nothing to say. */
export function validateCall({ type, executor_id, update, message }: ExecutorCall): void {
  if (type === undefined) throw invalid("Expecting 'type' to be present");
  if (type === 'UNKNOWN') throw invalid('Unknown call type');
  if (type === 'MESSAGE' && message === undefined) throw invalid("Expecting 'message' to be present");
  if (message !== undefined && message.data.length > mostMessage)
    throw new HttpError(413, `The message has ${message.data.length} bytes, and ${mostMessage} are the most`);
  if (type !== 'UPDATE') return;
  if (update === undefined) throw invalid("Expecting 'update' to be present");
  const { status } = update;
  validateStatus(status, executor_id.value);
}

/** What can be said of a status by itself. Throws HttpError 400 or 413. */
export function validateStatus(status: TaskStatus, executorId: string): void {
  if (status.uuid === undefined) throw invalid("Expecting 'uuid' to be present");
  if (status.uuid.length !== uuidLength) throw invalid('Malformed UUID');
  if (status.executor_id !== undefined && status.executor_id.value !== executorId)
    throw invalid(
      `ExecutorID in Call: ${executorId} does not match ExecutorID in TaskStatus: ${status.executor_id.value}`,
    );
  if (status.source !== 'SOURCE_EXECUTOR')
    throw invalid(
      `Received Call from executor ${executorId} with invalid source, expecting 'SOURCE_EXECUTOR'`,
    );
  if (status.state === 'TASK_STAGING')
    throw invalid(`Received TASK_STAGING from executor ${executorId} which is not allowed`);
  const size = protobufCodec.encode('mesos.v1.TaskStatus', status).length;
  if (size > mostStatus)
    throw new HttpError(413, `The status has ${size} bytes, and ${mostStatus} are the most`);
}

const invalid = (message: string) => new HttpError(400, message);

export function isValid(status: TaskStatus, executorId: string): boolean {
  try {
    validateStatus(status, executorId);
    return true;
  } catch (error) {
    if (error instanceof HttpError) return false;
    throw error;
  }
}
