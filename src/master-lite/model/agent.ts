import type {
  AgentInfo,
  AgentInfoCapability,
  DrainConfig,
  ExecutorInfo,
  MachineID,
  Order,
  Resource,
  Unavailability,
} from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import type { Offer } from './offer.js';
import type { TaskRecord } from './task-record.js';

/** The agent's end of the stream of orders. */
export interface AgentLink {
  /** SUBSCRIBED was sent: from now on reports are heard. */
  ready: boolean;
  send(order: Order): void;
  /** Ends the stream after what was sent. */
  end(): void;
  destroy(): void;
}

/**
 * registered: it is there, or was a moment ago. recovered: known from before the master's restart, not heard of since. unreachable: silent for too
 * long. gone: an operator said that it never comes back.
 */
export type AgentState = 'registered' | 'recovered' | 'unreachable' | 'gone';

/** What the store keeps of an agent. */
export interface StoredAgent {
  info: AgentInfo;
  ip: string;
  version: string;
  capabilities: AgentInfoCapability[];
  state: AgentState;
  registered_time: number;
  reregistered_time?: number | undefined;
  /** Nanoseconds since the epoch at which it became unreachable or gone. */
  since?: number | undefined;
  /** Total with reservations and volumes, where these are not as the agent's own information has them. */
  resources?: Resource[] | undefined;
  deactivated: boolean;
  drain?: { config: DrainConfig; since: number } | undefined;
}

export interface ExecutorRecord {
  frameworkId: string;
  info: ExecutorInfo;
  role: string;
  resources: Resources;
}

export class Agent {
  link: AgentLink | undefined;
  /** Milliseconds of the monotonic clock. */
  lastSeen = 0;
  total: Resources;
  /** By `TaskRecord.key`; those that their framework has heard the last of are here until the agent has too. */
  readonly tasks = new Map<string, TaskRecord>();
  readonly executors = new Map<string, ExecutorRecord>();
  readonly offers = new Set<Offer>();
  unavailability: Unavailability | undefined;
  /** What it said of its tasks when it last subscribed is taken over. */
  adopted = false;
  /** When it was last without a connection: milliseconds of the monotonic clock. */
  disconnectedAt: number | undefined;

  constructor(
    readonly id: string,
    public stored: StoredAgent,
  ) {
    this.total = Resources.of(stored.resources ?? stored.info.resources ?? []);
  }

  get info(): AgentInfo {
    return this.stored.info;
  }

  /** Whether what the master has of its tasks is what the agent says: not while it is on its way back, nor if it was cut off on it. */
  get certain(): boolean {
    const { state } = this.stored;
    return state !== 'recovered' && (state !== 'registered' || this.adopted);
  }

  get connected(): boolean {
    return this.link !== undefined;
  }

  /** Whether it may be offered, as far as operators and drains say. */
  get usable(): boolean {
    return !this.stored.deactivated && this.stored.drain === undefined;
  }

  get machine(): MachineID {
    return { hostname: this.info.hostname, ip: this.stored.ip };
  }

  /** Where it can be asked itself, and what the older endpoints call its pid. */
  get address(): string {
    return `${this.stored.ip}:${this.info.port ?? 5051}`;
  }

  /** Where it is: two agents cannot be at one place at once. */
  get place(): string {
    return placeOf(this.info, this.stored.ip);
  }

  get drained(): boolean {
    return this.stored.drain !== undefined && this.tasks.size === 0;
  }
}

export const placeOf = (info: AgentInfo, ip: string) => `${info.hostname} ${ip}:${info.port ?? 5051}`;

export const executorKey = (framework: string, executor: string) => `${framework}/${executor}`;
