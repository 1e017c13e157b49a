import { createInterface } from 'node:readline';
import { Option } from 'commander';
import { BerthError } from '../../errors/berth-error.js';
import type { AccessFlags } from '../cluster/access.js';
import { belowFlag, sandboxBelow } from '../cluster/below.js';
import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findSandbox, patience } from '../cluster/sandbox.js';
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
  container?: string[];
}

export const verb: Verb = {
  summary: 'Print what a task of the cluster has written',
  example: 'berth task logs -f --tail 20 web-1',
  declare(command) {
    masterFlag(command)
      .argument('<task>', 'its id, or the beginning of it')
      .option('-f, --follow', 'and go on with what it writes, until it ends')
      .addOption(new Option('-n, --tail <number>', 'only the last so many lines').argParser(logLines))
      .addOption(new Option('--since <time>', 'RFC 3339, or so long ago: 10m, 1h30m').argParser(instant))
      .addOption(new Option('--until <time>', 'the same, for the end').argParser(instant))
      .option('-t, --timestamps', 'with the time of each line')
      .addOption(belowFlag());
  },
  async run({ json }, [name = ''], given) {
    const { follow, tail, since, until, timestamps, container } = given as Flags;
    const { agent, path } = await findSandbox(new MasterClient(given as AccessFlags), name);
    const query = {
      sandbox: `${path}${sandboxBelow(container)}`,
      follow: follow === true ? '1' : undefined,
      tail: tail === undefined || tail < 0 ? undefined : String(tail),
      ...{ since, until },
    };
    const response = await agent.get('/berth/v1/logs', query, patience);
    const printer = new LogPrinter({ json, timestamps: timestamps === true });
    // Whoever is cut off must not seem to be at the end.
    const lost = new Promise<never>((_, reject) => response.once('error', reject));
    lost.catch(() => {});
    for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
      const record = JSON.parse(line) as Parameters<LogPrinter['print']>[0] & { text: string };
      printer.print({ ...record, text: Buffer.from(record.text, 'base64') });
    }
    if (!response.complete)
      throw new BerthError('AGENT_UNREACHABLE', {
        what: `task ${name}`,
        why: 'its agent broke off the connection',
        mend: 'Try again; nothing of the log is lost.',
      });
    return 0;
  },
};
