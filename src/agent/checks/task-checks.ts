import type {
  CheckInfo,
  CheckStatusInfo,
  CommandInfo,
  HealthCheck,
  HealthCheckHTTPCheckInfo,
  TaskInfo,
} from '../../mesos/messages.js';
import { currentBootId, isAlive } from '../../state/live-process.js';
import { emptyStatus, sameStatus, statusOf } from './check-status.js';
import { type Health, HealthJudge } from './health.js';
import { httpProbe } from './http-probe.js';
import { type Finding, type Probe, type ProbedProcess, Unanswered } from './probe.js';
import { RepeatedProbe, type Rhythm } from './repeated-probe.js';
import { tcpProbe } from './tcp-probe.js';
import type { Timers } from './timers.js';

/** The task as its checks see it. */
export interface CheckedTask {
  process: ProbedProcess;
  /** Runs a command in the task's container and resolves to its exit status. Ends it, with all it has started, when the signal aborts. Rejects with Unanswered if it cannot be started. */
  run(command: CommandInfo, signal: AbortSignal): Promise<number>;
}

/** Told of changes alone. The task's next status says them. */
export interface CheckReporter {
  health(health: Health): void;
  check(status: CheckStatusInfo): void;
  onDefect(error: unknown): void;
}

/** The checks of one task while it runs. */
export interface TaskChecks {
  /** Of the last finding; undefined: the task has no such check. */
  readonly checkStatus: CheckStatusInfo | undefined;
  /** Undefined: it has no health check, or nothing is known yet. */
  readonly healthy: boolean | undefined;
  stop(): void;
}

const defaults = { delay: 15, interval: 10, timeout: 20, grace: 10, failures: 3 };
/** Milliseconds: a check that is asked for without a pause must leave the host some time for others. */
const leastInterval = 50;
const loopback = { IPv4: '127.0.0.1', IPv6: '::1' } as const;

/** Begins the health check and the check that a task asks for. */
export function startChecks(
  { health_check, check }: Pick<TaskInfo, 'health_check' | 'check'>,
  task: CheckedTask,
  { report, timers }: { report: CheckReporter; timers: Timers },
): TaskChecks {
  let healthy: boolean | undefined;
  let checkStatus = check === undefined ? undefined : emptyStatus(check.type);
  const running: RepeatedProbe[] = [];
  const begin = (probe: Probe | undefined, rhythm: Rhythm, tell: (found: Finding | Unanswered) => void) => {
    if (probe !== undefined)
      running.push(
        new RepeatedProbe(ofTheLiving(probe, task.process), rhythm, timers, tell, (error) =>
          report.onDefect(error),
        ),
      );
  };
  if (health_check !== undefined) {
    const { grace_period_seconds = defaults.grace, consecutive_failures = defaults.failures } = health_check;
    const judge = new HealthJudge(grace_period_seconds * 1000, consecutive_failures, timers);
    const rhythm = rhythmOf(health_check);
    begin(healthProbe(health_check, task, rhythm), rhythm, (found) => {
      const health = judge.judge(found);
      if (health === undefined) return;
      healthy = health.healthy;
      report.health(health);
    });
  }
  if (check !== undefined) {
    const rhythm = rhythmOf(check);
    begin(checkProbe(check, task, rhythm), rhythm, (found) => {
      const status = statusOf(check.type, found);
      if (checkStatus !== undefined && sameStatus(status, checkStatus)) return;
      checkStatus = status;
      report.check(status);
    });
  }
  return {
    get healthy() {
      return healthy;
    },
    get checkStatus() {
      return checkStatus;
    },
    stop() {
      for (const each of running.splice(0)) each.stop();
    },
  };
}

function rhythmOf(check: Pick<CheckInfo, 'delay_seconds' | 'interval_seconds' | 'timeout_seconds'>): Rhythm {
  return {
    delay: (check.delay_seconds ?? defaults.delay) * 1000,
    interval: Math.max(leastInterval, (check.interval_seconds ?? defaults.interval) * 1000),
    timeout: (check.timeout_seconds ?? defaults.timeout) * 1000,
  };
}

function healthProbe(check: HealthCheck, task: CheckedTask, rhythm: Rhythm): Probe | undefined {
  const { command, http, tcp } = check;
  // Frameworks of before 1.2 name no type.
  const type = check.type ?? (command !== undefined ? 'COMMAND' : http !== undefined ? 'HTTP' : 'TCP');
  if (type === 'COMMAND' && command !== undefined) return commandProbe(command, task);
  if (type === 'HTTP' && http !== undefined) return httpProbe(task.process, target(http), patience(rhythm));
  if (type === 'TCP' && tcp !== undefined)
    return tcpProbe(
      task.process,
      { address: loopback[tcp.protocol ?? 'IPv4'], port: tcp.port },
      patience(rhythm),
    );
  return undefined;
}

function checkProbe(
  { type, command, http, tcp }: CheckInfo,
  task: CheckedTask,
  rhythm: Rhythm,
): Probe | undefined {
  if (type === 'COMMAND' && command !== undefined) return commandProbe(command.command, task);
  if (type === 'HTTP' && http !== undefined) return httpProbe(task.process, target(http), patience(rhythm));
  if (type === 'TCP' && tcp !== undefined)
    return tcpProbe(task.process, { address: loopback.IPv4, port: tcp.port }, patience(rhythm));
  return undefined;
}

/** Sees nothing once the task has ended: its commands are killed with it, and its ports closed, which says nothing of how it was. */
function ofTheLiving(probe: Probe, { pid, startTime }: ProbedProcess): Probe {
  const lives = () => isAlive({ pid, start_time: startTime }, currentBootId());
  return async (signal) => {
    try {
      const found = await probe(signal);
      return lives() ? found : undefined;
    } catch (error) {
      if (error instanceof Unanswered && !lives()) return undefined;
      throw error;
    }
  };
}

function commandProbe(command: CommandInfo, task: CheckedTask): Probe {
  return async (signal) => ({ type: 'COMMAND', exitCode: await task.run(command, signal) });
}

function target({ scheme = 'http', port, path = '/', protocol = 'IPv4' }: HealthCheckHTTPCheckInfo) {
  return {
    scheme: scheme === 'https' ? ('https' as const) : ('http' as const),
    address: loopback[protocol],
    port,
    path,
  };
}

/** For a connection, where a check may take any time: what the reference takes by default. */
const patience = ({ timeout }: Rhythm): number => timeout || defaults.timeout * 1000;
