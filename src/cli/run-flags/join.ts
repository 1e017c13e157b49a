import { InvalidArgumentError } from 'commander';
import type { AttachmentWish } from '../../containerizer/network/document.js';
import { ipv4, ipv6, mac, word } from './publish.js';
import { wholeNumber } from './quantity.js';

const most = 2 ** 31 - 1;

/** Docker's is a number of 32 bits. */
export const gatewayPriority = wholeNumber(
  -most - 1,
  most,
  `It is a whole number from ${-most - 1} to ${most}.`,
);

/** What one `--network` says: a name or `none` or `host`, another container, or a name with what is asked of that network. */
export type Joined = { container: string } | AttachmentWish;

/** `NAME`, `container:ID`, or as Docker has it `name=NAME,alias=…,ip=…,ip6=…,mac-address=…,gw-priority=…`. */
export function joined(text: string): Joined {
  const container = /^container:(.*)$/.exec(text)?.[1];
  if (container === '') throw new InvalidArgumentError('It is container:ID.');
  if (container !== undefined) return { container };
  if (!text.includes('=')) return { network: text, aliases: [] };
  const wish: AttachmentWish = { network: '', aliases: [] };
  for (const part of text.split(',')) {
    const [key = '', ...rest] = part.split('=');
    const value = rest.join('=');
    if (value === '') throw new InvalidArgumentError(`${key} has a value: ${key}=VALUE.`);
    set(wish, key, value);
  }
  if (wish.network === '') throw new InvalidArgumentError('name=NETWORK is missing.');
  return wish;
}

function set(wish: AttachmentWish, key: string, value: string): void {
  switch (key) {
    case 'name':
      wish.network = value;
      break;
    case 'alias':
      wish.aliases.push(word(value));
      break;
    case 'ip':
      wish.ip = ipv4(value);
      break;
    case 'ip6':
      wish.ip6 = ipv6(value);
      break;
    case 'mac-address':
      wish.mac = mac(value);
      break;
    case 'gw-priority':
      wish.gatewayPriority = gatewayPriority(value);
      break;
    default:
      throw new InvalidArgumentError(`${key} is none of name, alias, ip, ip6, mac-address and gw-priority.`);
  }
}
