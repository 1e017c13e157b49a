import { logout } from '../../containerizer/registry/login.js';
import { registryName, registryOptions } from '../registry-flags.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Forget the credentials for a registry',
  example: 'berth logout registry.example.com',
  declare(command) {
    command
      .argument('[registry]', 'HOST[:PORT]; by default Docker Hub')
      .option('--authfile <file>', 'a file of credentials, instead of the usual ones (REGISTRY_AUTH_FILE)');
  },
  async run(context, [text], flags) {
    const registry = registryName(text);
    const forgotten = await logout(registry, registryOptions(context, flags));
    if (context.json) context.out(`${JSON.stringify({ registry, forgotten_in: forgotten })}\n`);
    else if (forgotten.length > 0) context.out(`Logged out of ${registry}\n`);
    else context.out(`Not logged in to ${registry}\n`);
    return 0;
  },
};
