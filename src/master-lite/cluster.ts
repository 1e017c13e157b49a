import { Authorization } from '../http/authorization.js';
import type { MasterEvent, MasterInfo, SchedulerEvent } from '../mesos/messages.js';
import type { Store } from '../state/store/store.js';
import { type Allocation, Allocator } from './allocator/allocator.js';
import { monotonic } from './clock.js';
import type { MasterConfig } from './config.js';
import { longestTimer } from './long-wait.js';
import { Maintenance } from './maintenance.js';
import { Metrics } from './metrics.js';
import type { Agent } from './model/agent.js';
import type { Framework } from './model/framework.js';
import type { Offer } from './model/offer.js';
import type { OperationRecord } from './model/operation-record.js';
import { fits } from './offer-constraints.js';
import { makeOffers } from './offers.js';
import { Watchers } from './watchers.js';

/** All that a master knows. The files beside this one each hold one part of what happens to it. */
export class Cluster {
  readonly agents = new Map<string, Agent>();
  /** The latest agent at each address of a host (`Agent.place`). */
  readonly places = new Map<string, Agent>();
  readonly frameworks = new Map<string, Framework>();
  /** Gone for good, latest last. */
  readonly completedFrameworks = new Map<string, Framework>();
  readonly offers = new Map<string, Offer>();
  /** By uuid, in the order in which they were accepted. */
  readonly operations = new Map<string, OperationRecord>();
  readonly weights = new Map<string, number>();
  readonly metrics = new Metrics();
  readonly watchers: Watchers;
  readonly authorization: Authorization;
  readonly maintenance = new Maintenance();
  readonly allocator: Allocator;
  readonly startTime = Date.now() / 1000;
  /** The master is about to end: connections that break now say nothing of their other ends. */
  ending = false;
  private counter = 0;
  /** When the first agent of those that the allocator is busy with was looked at. */
  private cycleStart: number | undefined;

  constructor(
    readonly config: MasterConfig,
    readonly store: Store,
    readonly info: MasterInfo,
  ) {
    this.authorization = new Authorization(config.permissions);
    this.watchers = new Watchers(config.heartbeat);
    this.allocator = new Allocator({
      now: monotonic,
      schedule: (call, milliseconds) => {
        const unlessEnding = () => {
          if (!this.ending) call();
        };
        if (milliseconds === 0) setImmediate(unlessEnding);
        else setTimeout(unlessEnding, Math.min(milliseconds, longestTimer)).unref();
      },
      offer: (allocations: Allocation[]) => makeOffers(this, allocations),
      measured: (milliseconds, waiting) => this.measure(milliseconds, waiting),
    });
  }

  /** An id that no other master, nor this one, has given: `MASTER-KINDn`. */
  newId(kind: 'S' | 'O' | 'F'): string {
    return `${this.info.id}-${kind === 'F' ? '' : kind}${String(this.counter++).padStart(kind === 'F' ? 4 : 1, '0')}`;
  }

  /** A slice of allocation is done. A cycle ends when no agent waits any more; between its slices calls are answered. */
  private measure(milliseconds: number, waiting: number): void {
    this.metrics.spell('allocator/mesos/allocation_run_ms', milliseconds);
    this.cycleStart ??= monotonic() - milliseconds;
    if (waiting > 0) return;
    this.metrics.spell('berth/allocator/cycle_ms', monotonic() - this.cycleStart);
    this.cycleStart = undefined;
  }

  send(framework: Framework, event: SchedulerEvent): void {
    framework.link?.send(event);
  }

  tell(event: MasterEvent): void {
    this.watchers.tell(event);
  }

  saveAgent(agent: Agent): void {
    this.store.put('agent', agent.id, agent.stored);
  }

  saveFramework(framework: Framework): void {
    this.store.put('framework', framework.id, framework.document);
  }

  /** Puts a framework before the allocator, as its information now has it. */
  allocateFor(framework: Framework, suppressed: readonly string[]): void {
    this.allocator.setFramework(
      framework.id,
      framework.info,
      framework.roles,
      new Set(suppressed),
      (agentId, role) => {
        const agent = this.agents.get(agentId);
        return agent !== undefined && fits(framework.offerConstraints?.role_constraints?.[role], agent.info);
      },
    );
  }
}
