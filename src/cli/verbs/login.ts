import { login } from '../../containerizer/registry/login.js';
import { askSecret, askWord } from '../ask.js';
import { declareRegistryFlags, registryName, registryOptions } from '../registry-flags.js';
import { usageError } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Log in to a registry, and keep the credentials once it has taken them',
  example: 'berth login -u person --password-stdin registry.example.com < password',
  declare(command) {
    command
      .argument('[registry]', 'HOST[:PORT]; by default Docker Hub')
      .option('-u, --username <name>', 'asked for at a terminal when it is not given')
      .option('--password-stdin', 'read the password, or token, from standard input')
      .option('-p, --password <password>', 'refused: every user of this host could read it');
    declareRegistryFlags(command);
  },
  async run(context, [text], flags) {
    if (flags.password !== undefined) {
      throw usageError(
        '--password',
        'what stands on a command line can be read by every user of this host',
        'Use --password-stdin, or leave it out and type it.',
      );
    }
    const registry = registryName(text);
    const user =
      typeof flags.username === 'string' ? flags.username : await askWord('Username: ', 'login -u');
    const password =
      flags.passwordStdin === true
        ? await firstLine()
        : await askSecret('Password: ', 'login --password-stdin');
    if (user === '' || password === '' || user.includes(':')) {
      throw usageError(
        'login',
        user.includes(':')
          ? 'a user name has no colon'
          : `the ${user === '' ? 'user name' : 'password'} is empty`,
        'See berth login --help.',
      );
    }
    const credentials = { kind: 'password' as const, user, password };
    const { kept, asked } = await login(registry, credentials, registryOptions(context, flags));
    if (!asked) context.note(`berth: warning: ${registry} asks nobody who it is: any password would do`);
    context.out(
      context.json
        ? `${JSON.stringify({ registry, username: user, kept })}\n`
        : `Logged in to ${registry} as ${user}; kept in ${kept}\n`,
    );
    return 0;
  },
};

/** A line's end is none of the password. */
async function firstLine(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts)
    .toString()
    .replace(/\r?\n$/, '');
}
