import { version } from '../../version.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show the versions of berth, Node.js and the machine',
  example: 'berth version --json',
  declare(command) {
    command.addOption(formatFlag('-f, --format <template>'));
  },
  run({ json, out }, _, given) {
    const { format } = given as { format?: Format };
    const document = {
      berth: version,
      node: process.versions.node,
      platform: process.platform,
      arch: process.arch,
    };
    if (format !== undefined && format !== 'json') {
      const docker = { Version: version, Os: document.platform, Arch: document.arch };
      out(formatted(format, [{ ...document, Client: docker, Server: docker }]));
      return 0;
    }
    out(
      json || format === 'json'
        ? `${JSON.stringify(document)}\n`
        : `berth ${version}\nnode ${document.node} (${document.platform}/${document.arch})\n`,
    );
    return 0;
  },
};
