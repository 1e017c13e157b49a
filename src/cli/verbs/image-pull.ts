import type { LayerSetting } from '../../containerizer/image/layer-form.js';
import { pullImage } from '../../containerizer/image/pull.js';
import { BerthError } from '../../errors/berth-error.js';
import { imageEvents, imageProgress } from '../image-progress.js';
import { insecure, insecureFlag, policyFlag } from '../insecure-options.js';
import { layersFlag } from '../layers-flag.js';
import { declareRegistryFlags, registryOptions } from '../registry-flags.js';
import { report } from '../report.js';
import { platform } from '../run-flags/platform.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Fetch images from their registries, verified and unpacked',
  example: 'berth image pull debian:bookworm',
  declare(command) {
    command
      .argument(
        '<image...>',
        'NAME[:TAG][@DIGEST], without a registry it is Docker Hub; or appc:NAME[:VERSION]',
      )
      .option('-q, --quiet', 'no progress')
      .option(
        '--all-platforms',
        'keep what the image has for other machines too, to be pushed or kept; only one is unpacked',
      )
      .addOption(layersFlag())
      .option('--platform <os/machine[/variant]>', "by default this host's", platform);
    declareRegistryFlags(command);
    command.addOption(insecureFlag()).addOption(policyFlag());
  },
  async run(context, references, flags) {
    const onProgress = context.json
      ? imageEvents(context)
      : flags.quiet === true
        ? () => {}
        : imageProgress(context);
    const options = {
      ...registryOptions(context, flags),
      ...insecure(flags),
      onProgress,
      allPlatforms: flags.allPlatforms === true,
      form: flags.layers as LayerSetting | undefined,
      platform: flags.platform as ReturnType<typeof platform> | undefined,
      durable: true,
    };
    let status = 0;
    for (const reference of references) {
      try {
        const { name, manifestDigest, indexDigest, warnings, fetched } = await pullImage(
          context.roots,
          reference,
          options,
        );
        for (const warning of new Set(warnings)) context.note(`berth: warning: ${warning}`);
        if (!context.json) context.out(`${name.includes('@') ? name : `${name}@${manifestDigest}`}\n`);
        else {
          const told = { name, digest: manifestDigest, index_digest: indexDigest ?? null };
          context.out(`${JSON.stringify({ event: 'pulled', ...told, fetched_bytes: fetched, warnings })}\n`);
        }
      } catch (error) {
        // One that cannot be had is told, and the others still get their turn.
        if (!(error instanceof BerthError) || references.length === 1) throw error;
        status = report(error, reference) || status;
      }
    }
    return status;
  },
};
