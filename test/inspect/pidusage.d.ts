declare module 'pidusage' {
  /** `cpu` in percent of one CPU since the last call for this pid; `memory` resident, in bytes. */
  export default function pidusage(pid: number): Promise<{ cpu: number; memory: number }>;
}
