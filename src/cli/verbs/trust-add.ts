import { readFileSync } from 'node:fs';
import type { PublicKey } from 'openpgp';
import { discoverKeys } from '../../containerizer/appc/discovery.js';
import { Web } from '../../containerizer/registry/web.js';
import { type Scope, trustKeys } from '../../containerizer/trust/key-store.js';
import { describeKey, readKeys } from '../../containerizer/trust/openpgp.js';
import { BerthError } from '../../errors/berth-error.js';
import { confirm } from '../confirm.js';
import { registryFlags, registryOptions } from '../registry-flags.js';
import { usageError } from '../report.js';
import { declareScope, scopeOf } from '../trust-scope.js';
import type { Context, Verb } from '../verb.js';

const keyBytes = 4 << 20;

export const verb: Verb = {
  summary: 'Trust keys to sign App Container Images',
  example: 'berth trust add --prefix example.com/app key.asc',
  declare(command) {
    command
      .argument(
        '[file...]',
        'public keys, armoured or not; - for standard input; none: those that the prefix itself names',
      )
      .option('-f, --force', 'keys that were fetched are not asked about first');
    declareScope(command);
    for (const flag of registryFlags()) command.addOption(flag);
  },
  async run(context, files, flags) {
    const scope = scopeOf('trust add', flags);
    const keys =
      files.length === 0
        ? await fetched(context, scope, flags)
        : (await Promise.all(files.map((file) => readKeys(read(file), `key ${file}`)))).flat();
    if (keys.length === 0) return 1;
    const added = await trustKeys(context.roots, scope, keys);
    if (context.json) context.out(`${JSON.stringify({ keys: added })}\n`);
    else context.out(added.map(({ fingerprint }) => `${fingerprint}\n`).join(''));
    return 0;
  },
};

function read(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new BerthError('TRUST_INVALID', { what: `key ${file}`, why: `it cannot be read (${code})`, cause });
  }
}

/** What the pages of a name say of its keys is only as good as the connection: a person looks at the fingerprints. */
async function fetched(context: Context, scope: Scope, flags: Record<string, unknown>): Promise<PublicKey[]> {
  if ('root' in scope)
    throw usageError('trust add', 'keys for every name come from a file', 'Name the file.');
  const what = `keys of ${scope.prefix}`;
  const web = new Web(registryOptions(context, flags));
  try {
    const places = await discoverKeys(web, scope.prefix, what);
    const keys: PublicKey[] = [];
    for (const place of places) {
      const bytes = await web.document(place, keyBytes, what);
      if (bytes !== undefined) keys.push(...(await readKeys(bytes, place.href)));
    }
    if (keys.length === 0)
      throw new BerthError('TRUST_INVALID', {
        what,
        why: 'no page says where they are',
        mend: 'Name a file with them.',
      });
    const described = await Promise.all(keys.map(describeKey));
    const shown = described.map(({ fingerprint, users }) => `${fingerprint}  ${users.join(', ')}`).join('\n');
    if (flags.force === true) return keys;
    return (await confirm('trust add', `${what}, from ${places.join(' ')}:\n${shown}`)) ? keys : [];
  } finally {
    web.close();
  }
}
