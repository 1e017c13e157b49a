import { HttpError } from '../../http/http-error.js';
import type { SchedulerCall } from '../../mesos/messages.js';

/** The member that each call must have. */
const bodies = {
  SUBSCRIBE: 'subscribe',
  ACCEPT: 'accept',
  DECLINE: 'decline',
  ACCEPT_INVERSE_OFFERS: 'accept_inverse_offers',
  DECLINE_INVERSE_OFFERS: 'decline_inverse_offers',
  KILL: 'kill',
  SHUTDOWN: 'shutdown',
  ACKNOWLEDGE: 'acknowledge',
  ACKNOWLEDGE_OPERATION_STATUS: 'acknowledge_operation_status',
  RECONCILE: 'reconcile',
  RECONCILE_OPERATIONS: 'reconcile_operations',
  MESSAGE: 'message',
  REQUEST: 'request',
  UPDATE_FRAMEWORK: 'update_framework',
} as const;

const withoutBody = new Set(['TEARDOWN', 'REVIVE', 'SUPPRESS']);
const uuidLength = 16;

/** What can be said of a call by itself. Throws HttpError 400, in the order of the reference. */
export function validateCall(call: SchedulerCall): void {
  const { type } = call;
  if (type === undefined) throw invalid("Expecting 'type' to be present");
  if (type === 'UNKNOWN') throw invalid('Unknown call type');
  if (!withoutBody.has(type)) {
    const body = bodies[type as keyof typeof bodies];
    if (call[body] === undefined) throw invalid(`Expecting '${body}' to be present`);
  }
  if (type === 'SUBSCRIBE') {
    const id = call.subscribe?.framework_info.id?.value;
    // An empty id in the information counts as none, as it always has.
    if ((id ?? '') !== (call.framework_id?.value ?? ''))
      throw invalid("'framework_id' differs from 'subscribe.framework_info.id'");
    return;
  }
  if (call.framework_id === undefined) throw invalid("Expecting 'framework_id' to be present");
  if (type === 'ACKNOWLEDGE' && call.acknowledge?.uuid.length !== uuidLength) throw invalid('Malformed UUID');
  if (
    type === 'ACKNOWLEDGE_OPERATION_STATUS' &&
    call.acknowledge_operation_status?.uuid.length !== uuidLength
  )
    throw invalid('Malformed UUID');
  if (
    type === 'UPDATE_FRAMEWORK' &&
    call.update_framework?.framework_info.id?.value !== call.framework_id.value
  )
    throw invalid("'framework_id' differs from 'update_framework.framework_info.id'");
}

const invalid = (message: string) => new HttpError(400, message);
