import { readFileSync } from 'node:fs';

/** What an interface has carried since it is there, as its own network namespace counts it. */
export interface InterfaceCounters {
  interface: string;
  received_bytes: number;
  received_packets: number;
  received_errors: number;
  received_dropped: number;
  sent_bytes: number;
  sent_packets: number;
  sent_errors: number;
  sent_dropped: number;
}

/** The counters of a task's own network, without its loopback, from `/proc/PID/net/dev` (proc(5)). Empty when the process is gone. A task on the host's network sees the host's: do not ask for it. */
export function readInterfaceCounters(pid: number): InterfaceCounters[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/dev`, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // EINVAL: a zombie has no network any more.
    if (['ENOENT', 'ESRCH', 'EINVAL'].includes(code)) return [];
    throw error;
  }
  return parseInterfaceCounters(text).filter((each) => each.interface !== 'lo');
}

/** Two lines of headings, then `NAME: ` and sixteen numbers: eight received, eight sent. */
export function parseInterfaceCounters(text: string): InterfaceCounters[] {
  return text
    .split('\n')
    .slice(2)
    .flatMap((line) => {
      const [name = '', numbers] = line.split(/:\s*/, 2);
      if (numbers === undefined) return [];
      const fields = numbers.trim().split(/\s+/).map(Number);
      const field = (index: number) => fields[index] ?? 0;
      return [
        {
          interface: name.trim(),
          received_bytes: field(0),
          received_packets: field(1),
          received_errors: field(2),
          received_dropped: field(3),
          sent_bytes: field(8),
          sent_packets: field(9),
          sent_errors: field(10),
          sent_dropped: field(11),
        },
      ];
    });
}
