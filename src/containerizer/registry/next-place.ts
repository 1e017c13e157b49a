import { BerthError } from '../../errors/berth-error.js';

/**
 * Where a server sends its client on to, by a redirect or as the place of an upload: http or https, and never from https to http. `what`: what was asked for, in words.
 */
export function nextPlace(from: URL, location: string, what: string): URL {
  const refuse = (why: string) => new BerthError('REGISTRY_FAILED', { what, why: `${from.host} ${why}` });
  if (!URL.canParse(location, from.href)) throw refuse('redirects to something that is no URL');
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refuse(`redirects to ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw refuse(`redirects from https to plain http, at ${to.host}`);
  // What stands before the @ would be sent there as a password.
  to.username = '';
  to.password = '';
  return to;
}
