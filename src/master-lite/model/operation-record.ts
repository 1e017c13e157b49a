import { storedReader } from '../../mesos/json-read.js';
import { messageWriter } from '../../mesos/json-write.js';
import type { OfferOperation, OperationState, OperationStatus, Resource } from '../../mesos/messages.js';
import { messageType } from '../../mesos/schema.js';

/** What has become of an operation, as its framework is told until it says that it has heard. */
export interface OperationOutcome {
  state: OperationState;
  message?: string;
  /** Of the status, in hexadecimal. */
  uuid: string;
}

/** What the store keeps of an operation. */
export interface StoredOperation {
  /** In hexadecimal. */
  uuid: string;
  /** Of those that are kept, in the order in which they were accepted. */
  number: number;
  agent_id: string;
  /** Unset: an operator's. */
  framework_id?: string;
  operation: unknown;
  /** What it has made. */
  converted: unknown[];
  /** Unset: the agent has not said that it is done. */
  outcome?: OperationOutcome;
}

/** A reservation or an operation on volumes, from its acceptance until its agent has done it and whoever named it has heard so. */
export class OperationRecord {
  outcome: OperationOutcome | undefined;
  /** Until it is said again. */
  timer: NodeJS.Timeout | undefined;

  constructor(
    readonly uuid: string,
    readonly number: number,
    readonly agentId: string,
    /** Undefined: an operator's, or of a framework that is gone. */
    public frameworkId: string | undefined,
    readonly operation: OfferOperation,
    readonly converted: readonly Resource[],
  ) {}

  static restored({
    uuid,
    number,
    agent_id,
    framework_id,
    operation,
    converted,
    outcome,
  }: StoredOperation): OperationRecord {
    const read = storedReader(messageType('mesos.v1.Resource'));
    const record = new OperationRecord(
      ...([uuid, number, agent_id, framework_id] as const),
      storedReader(messageType('mesos.v1.Offer.Operation'))(operation, '') as OfferOperation,
      converted.map((each) => read(each, '') as Resource),
    );
    record.outcome = outcome;
    return record;
  }

  get stored(): StoredOperation {
    const { uuid, number, agentId, frameworkId, operation, converted, outcome } = this;
    const write = messageWriter(messageType('mesos.v1.Resource'));
    return {
      ...{ uuid, number, agent_id: agentId },
      ...(frameworkId !== undefined && { framework_id: frameworkId }),
      operation: messageWriter(messageType('mesos.v1.Offer.Operation'))(operation),
      converted: converted.map((each) => write(each)),
      ...(outcome !== undefined && { outcome }),
    };
  }

  /** As whoever named it calls it. */
  get id(): string | undefined {
    return this.operation.id?.value;
  }

  get status(): OperationStatus {
    const { outcome, operation, agentId, converted } = this;
    const done = outcome?.state === 'OPERATION_FINISHED';
    return {
      ...(operation.id !== undefined && { operation_id: operation.id }),
      state: outcome?.state ?? 'OPERATION_PENDING',
      ...(outcome?.message !== undefined && { message: outcome.message }),
      ...(done && { converted_resources: [...converted] }),
      ...(outcome !== undefined && { uuid: { value: Buffer.from(outcome.uuid, 'hex') } }),
      agent_id: { value: agentId },
    };
  }
}
