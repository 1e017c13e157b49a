import { InvalidArgumentError } from 'commander';
import { type Endpoint, parseEndpoint } from '../settings/endpoint.js';

/** `HOST:PORT`, where a daemon answers. */
export function endpoint(text: string): Endpoint {
  const found = parseEndpoint(text);
  if (found === undefined) throw new InvalidArgumentError('It is HOST:PORT.');
  return found;
}
