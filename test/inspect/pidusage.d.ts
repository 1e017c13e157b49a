declare module 'pidusage' {
  /** `cpu` in percent of one CPU since the last call for this pid; `memory` resident, in bytes. */
  export interface Usage {
    cpu: number;
    memory: number;
  }
  export default function pidusage(pid: number): Promise<Usage>;
  export default function pidusage(pids: number[]): Promise<Record<string, Usage>>;
}
