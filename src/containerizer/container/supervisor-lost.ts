import type { ExitDocument } from './document.js';

/** What is recorded for a container whose supervisor was killed: the task died with it, being in its pid namespace (pid_namespaces(7)). */
export function supervisorLost(): ExitDocument {
  return {
    format: 1,
    status: 137,
    signal: 9,
    oom_killed: false,
    finished_at: new Date().toISOString(),
    log_bytes_dropped: 0,
    reason: 'supervisor lost',
  };
}

export function wasSupervisorLost({ reason }: ExitDocument): boolean {
  return reason === supervisorLost().reason;
}
