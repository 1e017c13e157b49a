/** What one look at a task found. */
export type Finding =
  | { type: 'COMMAND'; exitCode: number }
  | { type: 'HTTP'; status: number }
  | { type: 'TCP'; succeeded: boolean };

/** Looks at a task once; undefined: there was nothing to see. Rejects with Unanswered, or with whatever keeps it from looking at all. Stops, and rejects, when the signal aborts. */
export type Probe = (signal: AbortSignal) => Promise<Finding | undefined>;

/** The task did not answer: one failure of a check. */
export class Unanswered extends Error {}

/** Where a task can be asked: by its first process on this host. */
export interface ProbedProcess {
  pid: number;
  /** As the kernel has it: ticks since boot. */
  startTime: number;
}

/** Is this finding that of a healthy task? As the reference decides. */
export function isHealthy(finding: Finding): boolean {
  switch (finding.type) {
    case 'COMMAND':
      return finding.exitCode === 0;
    case 'HTTP':
      return finding.status >= 200 && finding.status < 400;
    case 'TCP':
      return finding.succeeded;
  }
}

export function describe(finding: Finding): string {
  switch (finding.type) {
    case 'COMMAND':
      return `the command ended with status ${finding.exitCode}`;
    case 'HTTP':
      return `it answered with status ${finding.status}`;
    case 'TCP':
      return finding.succeeded ? 'it takes connections' : 'it takes no connection';
  }
}
