import { connectAsTask, type Target } from './connection.js';
import { type Probe, type ProbedProcess, Unanswered } from './probe.js';

/** Does it take connections? `patience` in milliseconds. */
export function tcpProbe(process: ProbedProcess, target: Target, patience: number): Probe {
  return async () => {
    try {
      const socket = await connectAsTask(process, target, patience);
      socket.destroy();
      return { type: 'TCP', succeeded: true };
    } catch (error) {
      if (error instanceof Unanswered) return { type: 'TCP', succeeded: false };
      throw error;
    }
  };
}
