import type { ResourceLimits } from '../../containerizer/container/limits.js';
import type { Resource, ValueScalar } from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';

/** As the reference has them: nobody gets less. Bytes, and weight beside others. */
const leastMemory = 32 * 1024 * 1024;
const leastShares = 2;
const sharesOfOne = 1024;
const leastCpus = 0.01;

/**
 * What resources come to: `cpus` is a share of the host's time, and a ceiling if the agent says so or `limits` has one; `mem` is a ceiling, or with a limit above it what is left to the
 * task while the host is short.
 */
export function limitsOf(
  resources: readonly Resource[],
  limits: Record<string, ValueScalar> = {},
  cpuCeiling = false,
): ResourceLimits & { oomScoreAdj?: number } {
  const amounts = Resources.of(resources);
  return {
    ...cpuLimits(amounts.scalar('cpus') / 1000, limits.cpus?.value, cpuCeiling),
    ...memoryLimits((amounts.scalar('mem') / 1000) * 1024 * 1024, limits.mem?.value),
  };
}

function cpuLimits(request: number, limit: number | undefined, cpuCeiling: boolean): ResourceLimits {
  const most = limit ?? (cpuCeiling && request > 0 ? request : undefined);
  return {
    ...(request > 0 && { cpuShares: Math.max(leastShares, Math.round(request * sharesOfOne)) }),
    ...(most !== undefined && Number.isFinite(most) && { cpus: Math.max(leastCpus, most) }),
  };
}

function memoryLimits(request: number, limit: number | undefined): ResourceLimits & { oomScoreAdj?: number } {
  if (request <= 0) return {};
  const soft = Math.max(leastMemory, Math.floor(request));
  if (limit === undefined) return { memory: soft };
  // Who has been promised less than he may use goes first.
  const burst = { memoryReservation: soft, oomScoreAdj: 500 };
  if (!Number.isFinite(limit)) return burst;
  return { ...burst, memory: Math.max(soft, Math.floor(limit * 1024 * 1024)) };
}
