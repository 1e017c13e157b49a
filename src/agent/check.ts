import { BerthError } from '../errors/berth-error.js';
import { readCertificates } from '../http/certificates.js';
import { isLoopback, refuseOpenDoor } from '../settings/door.js';
import type { AgentConfig } from './config.js';
import { parseAttributes, parseResources } from './resources/parse.js';

/** Throws where an agent could not begin with it, or would tell its secrets to the network. Reads its certificates, and changes nothing. */
export function checkAgentConfig(config: AgentConfig): void {
  refuseOpenDoor(config);
  readCertificates(config);
  parseResources(config.resources);
  parseAttributes(config.attributes);
  for (const master of config.masters) checkMaster(master, config);
}

function checkMaster(master: string, { masterCredential, plainHttp }: AgentConfig): void {
  const refuse = (why: string, mend: string) =>
    new BerthError('USAGE', { what: `master ${master.replace(/\/\/[^/@]*@/, '//')}`, why, mend });
  let url: URL;
  try {
    url = new URL(master);
  } catch {
    throw refuse('it is no URL', 'Give it as https://HOST:PORT.');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refuse(`${url.protocol} is no way to a master`, 'Give it as https://HOST:PORT.');
  const secret = masterCredential !== undefined || url.username !== '';
  if (url.protocol === 'http:' && secret && !isLoopback(url.hostname) && !plainHttp)
    throw refuse(
      'the credential for it would cross the network in plain',
      'Give its URL as https://, or allow this with plain_http on a network that nobody else is on.',
    );
}
