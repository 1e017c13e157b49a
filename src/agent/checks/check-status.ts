import type { CheckInfo, CheckStatusInfo } from '../../mesos/messages.js';
import { type Finding, Unanswered } from './probe.js';

/** What a status says before the first finding, and when there is none: the kind of check with nothing in it. */
export function emptyStatus(type: CheckInfo['type']): CheckStatusInfo {
  switch (type) {
    case 'COMMAND':
      return { type, command: {} };
    case 'HTTP':
      return { type, http: {} };
    case 'TCP':
      return { type, tcp: {} };
    default:
      return { type: 'UNKNOWN' };
  }
}

export function statusOf(type: CheckInfo['type'], found: Finding | Unanswered): CheckStatusInfo {
  if (found instanceof Unanswered) return emptyStatus(type);
  switch (found.type) {
    case 'COMMAND':
      return { type: found.type, command: { exit_code: found.exitCode } };
    case 'HTTP':
      return { type: found.type, http: { status_code: found.status } };
    case 'TCP':
      return { type: found.type, tcp: { succeeded: found.succeeded } };
  }
}

export function sameStatus(a: CheckStatusInfo, b: CheckStatusInfo): boolean {
  return (
    a.type === b.type &&
    a.command?.exit_code === b.command?.exit_code &&
    a.http?.status_code === b.http?.status_code &&
    a.tcp?.succeeded === b.tcp?.succeeded
  );
}
