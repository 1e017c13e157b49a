import type { Identity } from '../../http/authentication.js';
import { storedReader } from '../../mesos/json-read.js';
import { messageWriter } from '../../mesos/json-write.js';
import type {
  FrameworkInfo,
  FrameworkInfoCapabilityType,
  SchedulerEvent,
  SchedulerOfferConstraints,
  Task,
} from '../../mesos/messages.js';
import { messageType } from '../../mesos/schema.js';
import type { InverseOffer, Offer } from './offer.js';
import type { TaskRecord } from './task-record.js';

/** The scheduler's end of its stream of events. */
export interface SchedulerLink {
  readonly streamId: string;
  send(event: SchedulerEvent): void;
  /** Ends the stream after what was sent. */
  end(): void;
}

/** What the store keeps of a framework; there its information is as messageWriter has it, since JSON alone knows no infinity. */
export interface StoredFramework {
  info: FrameworkInfo;
  registered_time: number;
  reregistered_time?: number | undefined;
  suppressed: string[];
  /** Set when it has gone for good: its id is never taken again. */
  unregistered_time?: number | undefined;
}

export class Framework {
  link: SchedulerLink | undefined;
  /** Who subscribed it last; no name: root on the master's own host. */
  owner: Identity = { principal: undefined };
  /** The one that was asked for last; it becomes `link` once what it relies on is in the store. */
  latestStream = '';
  readonly tasks = new Map<string, TaskRecord>();
  readonly completed: Task[] = [];
  readonly offers = new Set<Offer>();
  readonly inverseOffers = new Map<string, InverseOffer>();
  offerConstraints: SchedulerOfferConstraints | undefined;
  /** Calls off what ends it when it does not come back. */
  stopWaiting: (() => void) | undefined;
  private known: ReadonlySet<FrameworkInfoCapabilityType>;

  static restored(id: string, stored: StoredFramework): Framework {
    const info = storedReader(messageType('mesos.v1.FrameworkInfo'))(stored.info, '') as FrameworkInfo;
    return new Framework(id, { ...stored, info });
  }

  constructor(
    readonly id: string,
    public stored: StoredFramework,
  ) {
    this.known = capabilitiesOf(stored.info);
  }

  get document(): object {
    return { ...this.stored, info: messageWriter(messageType('mesos.v1.FrameworkInfo'))(this.info) };
  }

  get info(): FrameworkInfo {
    return this.stored.info;
  }

  set info(info: FrameworkInfo) {
    this.stored = { ...this.stored, info };
    this.known = capabilitiesOf(info);
  }

  get connected(): boolean {
    return this.link !== undefined;
  }

  /** Known from before the master's restart, not heard of since. */
  recovered = false;

  can(capability: FrameworkInfoCapabilityType): boolean {
    return this.known.has(capability);
  }

  get roles(): string[] {
    return rolesOf(this.info);
  }

  /** Clients that list no capability at all know no event younger than those. */
  get knowsNewerEvents(): boolean {
    return this.known.size > 0;
  }
}

export function rolesOf(info: FrameworkInfo): string[] {
  return capabilitiesOf(info).has('MULTI_ROLE') ? [...new Set(info.roles ?? [])] : [info.role ?? '*'];
}

function capabilitiesOf(info: FrameworkInfo): ReadonlySet<FrameworkInfoCapabilityType> {
  return new Set((info.capabilities ?? []).flatMap(({ type }) => (type === undefined ? [] : [type])));
}
