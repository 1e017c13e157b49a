/** One record of a container's log, as the supervisor wrote it (the kubelet's CRI log format). */
export interface LogRecord {
  /** RFC 3339 with nanoseconds. */
  time: string;
  stream: 'stdout' | 'stderr';
  /** The line's bytes; `partial` when the line goes on in the next record of the stream. */
  text: Buffer;
  partial: boolean;
}

const head = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z) (stdout|stderr) ([PF]) $/;
const headLength = '2026-01-01T00:00:00.000000000Z stdout F '.length;

/** Undefined: a torn record, which a full disk leaves. */
export function parseRecord(line: Buffer): LogRecord | undefined {
  const match = head.exec(line.toString('latin1', 0, headLength));
  if (match === null) return undefined;
  return {
    time: match[1] ?? '',
    stream: match[2] === 'stderr' ? 'stderr' : 'stdout',
    text: line.subarray(headLength),
    partial: match[3] === 'P',
  };
}
