import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { ShapeError } from '../../oci-spec/shape.js';
import { type Policy, policyShape } from './document.js';

/** The first of them that is there counts. The home folder is that of the account, whatever the environment says: what a shell exports must not change what is let in. */
export function policyFiles(): string[] {
  return [path.join(userInfo().homedir, '.config/containers/policy.json'), '/etc/containers/policy.json'];
}

/** Undefined: there is none, and everything is accepted. `stated`: another file, that must be there. */
export function readPolicy(stated?: string): Policy | undefined {
  for (const file of stated === undefined ? policyFiles() : [stated]) {
    let content: string;
    try {
      content = readFileSync(file, 'utf8');
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT' && stated === undefined) continue;
      throw new BerthError('TRUST_INVALID', {
        what: `policy ${file}`,
        why: `it cannot be read (${code})`,
        cause,
      });
    }
    try {
      return policyShape(JSON.parse(content) as unknown, '');
    } catch (error) {
      if (!(error instanceof ShapeError) && !(error instanceof SyntaxError)) throw error;
      throw new BerthError('TRUST_INVALID', {
        what: `policy ${file}`,
        why: error.message,
        mend: 'See containers-policy.json(5). Until it is mended no image is accepted.',
        cause: error,
      });
    }
  }
  return undefined;
}
