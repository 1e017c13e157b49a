import { version } from '../../version.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show the versions of berth, Node.js and the machine',
  example: 'berth version --json',
  declare() {},
  run({ json, out }) {
    const document = {
      berth: version,
      node: process.versions.node,
      platform: process.platform,
      arch: process.arch,
    };
    out(
      json
        ? `${JSON.stringify(document)}\n`
        : `berth ${version}\nnode ${document.node} (${document.platform}/${document.arch})\n`,
    );
    return 0;
  },
};
