import { readDocument } from '../../state/json-file.js';
import type { Attachment, PublishedPort } from '../network/document.js';
import type { ContainerDocument } from './document.js';

/** When a container was on one network at most its document had that one alone, and none before there were networks. */
interface OlderDocument extends Omit<ContainerDocument, 'network' | 'networks' | 'attachments'> {
  network?: string;
  networks?: string[];
  attachments?: Attachment[];
  attachment?: Attachment | null;
}

/** Reads a `container.json`, of whatever age. Undefined: there is none. */
export function readRecord(file: string): ContainerDocument | undefined {
  const read = readDocument<OlderDocument>(file, 1);
  if (read === undefined) return undefined;
  const { attachment, network = 'none', ...document } = read;
  const { attachments = attachment ? [attachment] : [], networks = namesOf(network, attachments) } = read;
  return { ...document, network, networks, attachments };
}

function namesOf(network: string, attachments: readonly Attachment[]): string[] {
  if (attachments.length > 0) return attachments.map((each) => each.network);
  return network === 'none' || network === 'host' || network.startsWith('container:') ? [] : [network];
}

/** The ports of the host that lead to it. */
export function portsOf({ attachments }: Pick<ContainerDocument, 'attachments'>): PublishedPort[] {
  return attachments.flatMap(({ ports }) => ports);
}
