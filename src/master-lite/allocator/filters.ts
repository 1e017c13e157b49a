import type { Resources } from '../../mesos/resources/resources.js';

interface Filter {
  refused: Resources;
  /** Milliseconds of the allocator's clock. */
  until: number;
}

/** What frameworks have refused, by agent. Those that are over are found by the second in which they end, never by looking through all. */
export class RefusalFilters {
  private readonly byAgent = new Map<string, Map<string, Filter[]>>();
  /** The agents on which a filter ends, by second. */
  private readonly ends = new Map<number, Set<string>>();

  constructor(private readonly now: () => number) {}

  add(agent: string, framework: string, role: string, refused: Resources, seconds: number): void {
    if (refused.isEmpty || !(seconds > 0)) return;
    const until = this.now() + seconds * 1000;
    let ofAgent = this.byAgent.get(agent);
    if (ofAgent === undefined) {
      ofAgent = new Map();
      this.byAgent.set(agent, ofAgent);
    }
    const key = keyOf(framework, role);
    const live = (ofAgent.get(key) ?? []).filter((filter) => filter.until > this.now());
    ofAgent.set(key, [...live, { refused, until }]);
    const second = endOf(until, seconds);
    const agents = this.ends.get(second);
    if (agents === undefined) this.ends.set(second, new Set([agent]));
    else agents.add(agent);
  }

  /** Whether a framework has refused all of this on that agent. */
  refuses(agent: string, framework: string, role: string, resources: Resources): boolean {
    const filters = this.byAgent.get(agent)?.get(keyOf(framework, role));
    if (filters === undefined) return false;
    const now = this.now();
    return filters.some(({ refused, until }) => until > now && refused.contains(resources));
  }

  /** Forgets what a framework has refused, in one role or in all. Gives back the agents concerned. */
  clear(framework: string, role?: string): string[] {
    const agents: string[] = [];
    for (const [agent, filters] of this.byAgent) {
      const before = filters.size;
      for (const key of filters.keys())
        if (role === undefined ? key.startsWith(`${framework}\0`) : key === keyOf(framework, role))
          filters.delete(key);
      if (filters.size < before) agents.push(agent);
      if (filters.size === 0) this.byAgent.delete(agent);
    }
    return agents;
  }

  removeAgent(agent: string): void {
    this.byAgent.delete(agent);
  }

  /** The agents on which a filter has ended since the last call. */
  expired(): string[] {
    const now = this.now();
    const agents = new Set<string>();
    for (const [second, ended] of this.ends) {
      if (second * 1000 > now) continue;
      for (const agent of ended) agents.add(agent);
      this.ends.delete(second);
    }
    for (const agent of agents) this.sweep(agent, now);
    return [...agents];
  }

  /** Milliseconds until the next filter ends; undefined: there is none. */
  nextEnd(): number | undefined {
    let first: number | undefined;
    for (const second of this.ends.keys()) if (first === undefined || second < first) first = second;
    return first === undefined ? undefined : Math.max(0, first * 1000 - this.now());
  }

  private sweep(agent: string, now: number): void {
    const filters = this.byAgent.get(agent);
    if (filters === undefined) return;
    for (const [key, list] of filters) {
      const live = list.filter((filter) => filter.until > now);
      if (live.length === 0) filters.delete(key);
      else filters.set(key, live);
    }
    if (filters.size === 0) this.byAgent.delete(agent);
  }
}

/** The second in which a filter is found to be over: a long one up to a sixty-fourth of its length late, so that there are few such seconds however often frameworks refuse for weeks. */
function endOf(until: number, seconds: number): number {
  const unit = 2 ** Math.max(0, Math.floor(Math.log2(seconds / 64)));
  return (Math.floor(until / 1000 / unit) + 1) * unit;
}

const keyOf = (framework: string, role: string) => `${framework}\0${role}`;
