import { appcRecordOf, mustBeTrusted } from '../../containerizer/appc/trust.js';
import { parseReference } from '../../containerizer/image/reference.js';
import { lookUp } from '../../containerizer/image/stored-image.js';
import { verdictsOn } from '../../containerizer/policy/admit.js';
import { BerthError } from '../../errors/berth-error.js';
import { policyFlag } from '../insecure-options.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Check whether an image of the store may be run: its signatures, by the policy of now',
  example: 'berth image verify registry.example.com/web:1',
  declare(command) {
    command.argument('<image>', 'a name or id').addOption(policyFlag());
  },
  async run({ roots, json, out }, [reference = ''], { signaturePolicy }) {
    const what = `image ${reference}`;
    const named = lookUp(roots, parseReference(reference), reference);
    if (named === undefined)
      throw new BerthError('IMAGE_NOT_FOUND', {
        what,
        why: 'it is not in the store',
        mend: 'See berth image ls.',
      });
    const record = appcRecordOf(roots, named.manifest_digest);
    if (record !== undefined) mustBeTrusted(roots, record, what);
    const verdicts =
      record === undefined
        ? ((await verdictsOn(roots, named, { policyFile: signaturePolicy as string | undefined }, what)) ??
          [])
        : record.signed_by === undefined
          ? []
          : [{ requirement: 'appc', by: record.signed_by, identity: record.name }];
    const document = { image: reference, digest: named.manifest_digest, accepted: true, verified: verdicts };
    if (json) out(`${JSON.stringify(document)}\n`);
    else {
      const lines = verdicts
        .filter(({ by }) => by !== null)
        .map(({ requirement, by, identity }) => `${requirement}: signed by ${by} as ${identity}\n`);
      out(
        `${reference}@${named.manifest_digest}\n${lines.join('') || 'accepted: nobody asks for a signature\n'}`,
      );
    }
    return 0;
  },
};
