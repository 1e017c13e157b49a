import { isIPv6 } from 'node:net';
import { findContainer } from '../../containerizer/container/catalogue.js';
import { portsOf } from '../../containerizer/container/container-record.js';
import { settle } from '../../containerizer/container/settle.js';
import type { PublishedPort } from '../../containerizer/network/document.js';
import { BerthError } from '../../errors/berth-error.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: "Show which ports of the host lead to a container's",
  example: 'berth port web 80/tcp',
  declare(command) {
    command.argument('<id>', 'id or name').argument('[port[/protocol]]', 'one port of the container');
  },
  run({ roots, json, out }, [wanted = '', port]) {
    const { document, state } = settle(roots, findContainer(roots, wanted));
    const all = state === 'running' ? portsOf(document) : [];
    const ports =
      port === undefined
        ? all
        : all.filter((each) => nameOf(each) === (port.includes('/') ? port : `${port}/tcp`));
    if (port !== undefined && ports.length === 0) {
      throw new BerthError('CONTAINER_STATE', {
        what: `port ${port}`,
        why: `container ${document.name} does not publish it`,
      });
    }
    if (json) out(`${JSON.stringify({ ports })}\n`);
    else
      out(ports.map((each) => `${port === undefined ? `${nameOf(each)} -> ` : ''}${place(each)}\n`).join(''));
    return 0;
  },
};

function nameOf({ container_port, protocol }: PublishedPort): string {
  return `${container_port}/${protocol}`;
}

function place({ host_ip, host_port }: PublishedPort): string {
  return `${isIPv6(host_ip) ? `[${host_ip}]` : host_ip}:${host_port}`;
}
