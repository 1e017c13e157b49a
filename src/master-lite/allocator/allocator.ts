import type { FrameworkInfo } from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import { RefusalFilters } from './filters.js';
import { type Quota, Quotas } from './quotas.js';
import { ShareTree } from './share-tree.js';
import { isEnough, type Suitability, suitabilityOf, suitable } from './suitability.js';

/** What a framework is to be offered in one of its roles, of one agent. */
export interface Allocation {
  framework: string;
  role: string;
  agent: string;
  resources: Resources;
}

interface Agent {
  total: Resources;
  allocated: Resources;
  free: Resources;
  active: boolean;
  hasGpus: boolean;
}

interface Framework {
  suitability: Suitability;
  /** Its roles, each with whether offers are wanted. */
  roles: Map<string, boolean>;
  active: boolean;
  accepts: (agent: string, role: string) => boolean;
}

export interface AllocatorOptions {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls back soon; for filters that end, after that many milliseconds. */
  schedule(call: () => void, milliseconds: number): void;
  /** What is to be offered now. It counts as allocated until it is released. */
  offer(allocations: Allocation[]): void;
  /** Told how long each slice of work took, in milliseconds, and how many agents still wait. */
  measured?(milliseconds: number, waiting: number): void;
}

/** Agents looked at before others get a turn of the event loop. */
const sliceSize = 256;

/**
 * Decides who is offered what. Only agents on which something has changed are looked at again, many changes at a time. What is allocated,
 * offered or in use, is counted here and nowhere else: at any time free and allocated make up the total of each agent.
 */
export class Allocator {
  private readonly agents = new Map<string, Agent>();
  private readonly frameworks = new Map<string, Framework>();
  private readonly tree = new ShareTree();
  private readonly quotas = new Quotas(this.tree);
  private readonly filters: RefusalFilters;
  private readonly waiting = new Set<string>();
  private scheduled = false;
  private filterTimer = Number.POSITIVE_INFINITY;

  constructor(private readonly options: AllocatorOptions) {
    this.filters = new RefusalFilters(options.now);
  }

  /** An agent that has nothing allocated yet. */
  addAgent(id: string, total: Resources, active = true): void {
    this.agents.set(id, {
      total,
      allocated: new Resources(),
      free: total.clone(),
      active,
      hasGpus: total.scalar('gpus') > 0,
    });
    this.tree.addTotal(total);
    this.consider([id]);
  }

  /** Whatever was allocated there must have been released. */
  removeAgent(id: string): void {
    const agent = this.agents.get(id);
    if (agent === undefined) return;
    this.tree.subtractTotal(agent.total);
    this.agents.delete(id);
    this.waiting.delete(id);
    this.filters.removeAgent(id);
  }

  setTotal(id: string, total: Resources): void {
    const agent = this.agent(id);
    this.tree.subtractTotal(agent.total);
    this.tree.addTotal(total);
    agent.total = total;
    agent.free = total.clone().subtract(agent.allocated);
    agent.hasGpus = total.scalar('gpus') > 0;
    this.consider([id]);
  }

  setAgentActive(id: string, active: boolean): void {
    this.agent(id).active = active;
    if (active) this.consider([id]);
  }

  /** Adds it, or takes over what has changed of it. `suppressed`: roles in which it wants no offers. */
  setFramework(
    id: string,
    info: FrameworkInfo,
    roles: readonly string[],
    suppressed: ReadonlySet<string>,
    accepts: Framework['accepts'] = () => true,
  ): void {
    const known = this.frameworks.get(id);
    for (const role of known?.roles.keys() ?? []) this.tree.setActive(role, id, false);
    this.frameworks.set(id, {
      suitability: suitabilityOf(info),
      roles: new Map(roles.map((role) => [role, !suppressed.has(role)])),
      active: known?.active ?? false,
      accepts,
    });
    this.applyActivity(id);
  }

  /** An inactive framework gets no offers. */
  setFrameworkActive(id: string, active: boolean): void {
    this.framework(id).active = active;
    this.applyActivity(id);
    if (!active) this.filters.clear(id);
  }

  removeFramework(id: string): void {
    const framework = this.frameworks.get(id);
    if (framework === undefined) return;
    for (const role of framework.roles.keys()) this.tree.setActive(role, id, false);
    this.frameworks.delete(id);
    this.filters.clear(id);
  }

  /** Offers are wanted again, and what was refused is forgotten. No roles: all of them. */
  revive(id: string, roles: readonly string[] = []): void {
    const framework = this.framework(id);
    for (const role of roles.length > 0 ? roles : [...framework.roles.keys()]) {
      if (framework.roles.has(role)) framework.roles.set(role, true);
      this.filters.clear(id, role);
    }
    this.applyActivity(id);
    this.considerAll();
  }

  suppress(id: string, roles: readonly string[] = []): void {
    const framework = this.framework(id);
    for (const role of roles.length > 0 ? roles : [...framework.roles.keys()])
      if (framework.roles.has(role)) framework.roles.set(role, false);
    this.applyActivity(id);
  }

  suppressedRoles(id: string): string[] {
    return [...this.framework(id).roles].filter(([, wanted]) => !wanted).map(([role]) => role);
  }

  setWeight(role: string, weight: number): void {
    this.tree.setWeight(role, weight);
    this.considerAll();
  }

  setQuota(role: string, quota: Quota): void {
    this.quotas.set(role, quota);
    this.considerAll();
  }

  get quotaByRole(): ReadonlyMap<string, Quota> {
    return this.quotas.all;
  }

  /** Counts resources as allocated that were in use before this allocator knew of them. */
  allocate(framework: string, role: string, agent: string, resources: Resources): void {
    const target = this.agent(agent);
    target.allocated.add(resources);
    target.free = target.total.clone().subtract(target.allocated);
    this.tree.allocate(role, framework, resources);
  }

  /** Resources are free again. `refuseSeconds`: so long the framework wants none of them. */
  release(framework: string, role: string, agent: string, resources: Resources, refuseSeconds = 0): void {
    this.tree.release(role, framework, resources);
    const target = this.agents.get(agent);
    if (target === undefined) return;
    target.allocated.subtract(resources);
    target.free = target.total.clone().subtract(target.allocated);
    if (refuseSeconds > 0 && this.frameworks.has(framework)) {
      this.filters.add(agent, framework, role, resources, refuseSeconds);
      this.awaitFilter();
    }
    this.consider([agent]);
  }

  /** Allocated resources become others, by a reservation or a volume. The agent's total is set by the caller. */
  convert(framework: string, role: string, agent: string, before: Resources, after: Resources): void {
    const target = this.agent(agent);
    this.tree.release(role, framework, before);
    this.tree.allocate(role, framework, after);
    target.allocated.subtract(before).add(after);
    target.free = target.total.clone().subtract(target.allocated);
  }

  freeOf(id: string): Resources {
    return this.agent(id).free;
  }

  allocatedOf(id: string): Resources {
    return this.agent(id).allocated;
  }

  shareOf(role: string, framework?: string): number {
    return this.tree.shareOf(role, framework);
  }

  consider(agents: Iterable<string>): void {
    for (const id of agents) this.waiting.add(id);
    this.wake();
  }

  /** Looks at some of the agents on which something has changed. Called by the schedule; true: there are more. */
  run(): boolean {
    const start = this.options.now();
    this.scheduled = false;
    const allocations: Allocation[] = [];
    let looked = 0;
    for (const id of this.waiting) {
      if (looked++ >= sliceSize) break;
      this.waiting.delete(id);
      this.allocateOn(id, allocations);
    }
    if (allocations.length > 0) this.options.offer(allocations);
    this.options.measured?.(this.options.now() - start, this.waiting.size);
    this.wake();
    return this.waiting.size > 0;
  }

  private allocateOn(id: string, allocations: Allocation[]): void {
    const agent = this.agents.get(id);
    if (agent === undefined || !agent.active) return;
    // Each allocation changes who is next, so the search starts anew until nobody takes anything.
    for (;;) {
      if (agent.free.isEmpty) return;
      const found = this.next(id, agent);
      if (found === undefined) return;
      agent.allocated.add(found.resources);
      agent.free.subtract(found.resources);
      this.tree.allocate(found.role, found.framework, found.resources);
      allocations.push(found);
    }
  }

  private next(id: string, agent: Agent): Allocation | undefined {
    let found: Allocation | undefined;
    const take = (role: string, name: string) => {
      const framework = this.frameworks.get(name);
      if (framework === undefined || !framework.accepts(id, role)) return false;
      if (agent.hasGpus && !framework.suitability.capabilities.has('GPU_RESOURCES')) return false;
      const resources = this.quotas.within(role, suitable(agent.free, framework.suitability, role));
      if (!isEnough(resources, framework.suitability, role)) return false;
      if (this.filters.refuses(id, name, role, resources)) return false;
      found = { framework: name, role, agent: id, resources };
      return true;
    };
    if (this.quotas.haveGuarantees)
      this.tree.visit((role, framework) => this.quotas.lacks(role) && take(role, framework));
    if (found === undefined) this.tree.visit(take);
    return found;
  }

  private applyActivity(id: string): void {
    const { active, roles } = this.framework(id);
    for (const [role, wanted] of roles) this.tree.setActive(role, id, active && wanted);
    if (active) this.considerAll();
  }

  private considerAll(): void {
    for (const [id, agent] of this.agents) if (agent.active && !agent.free.isEmpty) this.waiting.add(id);
    this.wake();
  }

  private wake(): void {
    if (this.scheduled || this.waiting.size === 0) return;
    this.scheduled = true;
    this.options.schedule(() => this.run(), 0);
  }

  private awaitFilter(): void {
    const wait = this.filters.nextEnd();
    if (wait === undefined) return;
    const at = this.options.now() + wait;
    if (at >= this.filterTimer) return;
    this.filterTimer = at;
    this.options.schedule(() => {
      this.filterTimer = Number.POSITIVE_INFINITY;
      this.consider(this.filters.expired());
      this.awaitFilter();
    }, wait);
  }

  private agent(id: string): Agent {
    return found(this.agents.get(id), 'agent', id);
  }

  private framework(id: string): Framework {
    return found(this.frameworks.get(id), 'framework', id);
  }
}

function found<T>(thing: T | undefined, kind: string, id: string): T {
  if (thing === undefined) throw new Error(`the allocator knows no ${kind} ${id}`);
  return thing;
}
