/** What competes to be a container's way out. */
interface Candidate {
  /** Unset: 0. */
  gateway_priority?: number;
}

/** Those first over which a container's way out leads rather, and what is published leads in: by priority, then in their order. */
export function byPriority<Each extends Candidate>(all: readonly Each[]): Each[] {
  const of = ({ gateway_priority = 0 }: Candidate) => gateway_priority;
  return [...all].sort((a, b) => of(b) - of(a));
}
