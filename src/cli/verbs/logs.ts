import { Option } from 'commander';
import { findContainer } from '../../containerizer/container/catalogue.js';
import { followLogs, type LogSelection, readLogs } from '../../containerizer/container/logs.js';
import { instant } from '../instant.js';
import { logLines } from '../log-lines.js';
import { LogPrinter } from '../log-printer.js';
import type { Verb } from '../verb.js';

interface Flags {
  follow?: true;
  tail?: number;
  since?: string;
  until?: string;
  timestamps?: true;
}

export const verb: Verb = {
  summary: 'Print what a container has written',
  example: 'berth logs -f --tail 20 web',
  declare(command) {
    command
      .argument('<id>', 'id or name')
      .option('-f, --follow', 'go on until the container has ended')
      .addOption(new Option('-n, --tail <lines>', 'only the last lines; all by default').argParser(logLines))
      .addOption(new Option('--since <time>', 'RFC 3339, or so long ago: 10m, 1h30m').argParser(instant))
      .addOption(new Option('--until <time>', 'the same, for the end').argParser(instant))
      .option('-t, --timestamps', 'with the time of each line');
  },
  async run({ roots, json, note }, [wanted = ''], given) {
    const { follow, tail, since, until, timestamps } = given as Flags;
    const container = findContainer(roots, wanted);
    const selection: LogSelection = {
      ...(tail === undefined || tail < 0 ? {} : { tail }),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    };
    const printer = new LogPrinter({ json, timestamps: timestamps === true });
    let dropped = container.exit?.log_bytes_dropped ?? null;
    if (follow === true) {
      const records = followLogs(roots, container, selection);
      for (;;) {
        const { done, value } = await records.next();
        if (done === true) {
          dropped = value.bytesDropped;
          if (value.missed) note('berth: some of the log was rotated away before it could be read');
          break;
        }
        printer.print(value);
      }
    } else {
      for (const record of readLogs(roots, container.document.id, selection)) printer.print(record);
    }
    if (dropped !== null && dropped > 0)
      note(`berth: ${dropped} bytes of output are not in the log: the disk was full or too slow`);
    return 0;
  },
};
