import { listReferrers } from '../../containerizer/image/referrers.js';
import { bytes } from '../../inspect/quantity.js';
import { declareRegistryFlags, registryOptions } from '../registry-flags.js';
import { table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'List what a registry has that belongs to an image: signatures, lists of packages, attestations',
  example: 'berth image referrers registry.example.com/web:1',
  declare(command) {
    command
      .argument('<image>', 'NAME[:TAG][@DIGEST]')
      .option('--artifact-type <type>', 'only those of that media type');
    declareRegistryFlags(command);
  },
  async run(context, [image = ''], flags) {
    const { name, digest, referrers } = await listReferrers(image, registryOptions(context, flags));
    const typeOf = (each: (typeof referrers)[number]) => each.artifactType ?? each.mediaType;
    const wanted = referrers.filter(
      (each) => flags.artifactType === undefined || typeOf(each) === flags.artifactType,
    );
    if (context.json) {
      const told = wanted.map((each) => ({
        digest: each.digest,
        artifact_type: typeOf(each),
        size: each.size,
        annotations: each.annotations ?? {},
      }));
      context.out(`${JSON.stringify({ name, digest, referrers: told })}\n`);
      return 0;
    }
    context.out(
      table(
        [{ header: 'DIGEST' }, { header: 'TYPE' }, { header: 'SIZE', align: 'right' }],
        wanted.map((each) => [each.digest, typeOf(each), bytes(each.size)]),
      ),
    );
    return 0;
  },
};
