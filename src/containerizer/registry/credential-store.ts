import type { Credentials } from './credentials.js';
import type { Location } from './location.js';

export async function findCredentials(
  _location: Location,
  _options: { authFile?: string | undefined; environment?: NodeJS.ProcessEnv | undefined },
): Promise<Credentials | undefined> {
  return undefined;
}
