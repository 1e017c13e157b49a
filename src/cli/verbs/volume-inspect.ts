import { type UsedVolume, volumeWithUsers } from '../../containerizer/container/volume-users.js';
import { dockerVolume } from '../format/docker-things.js';
import { type Format, formatFlag } from '../format/flag.js';
import { inspected } from '../format/inspected.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show all that is known of volumes, as JSON',
  example: 'berth volume inspect data',
  declare(command) {
    command.argument('<name...>').addOption(formatFlag('-f, --format <template>'));
  },
  run({ roots, json, out }, names, given) {
    const { format } = given as { format?: Format };
    const volumes = names.map((name) => volumeJson(volumeWithUsers(roots, name)));
    out(inspected(volumes, dockerVolume, { json, format, alone: false }));
    return 0;
  },
};

/** The members that `volume ls` and `volume inspect` share. */
export function volumeJson({ document, data, usedBy }: UsedVolume) {
  const { format: _format, ...known } = document;
  return { ...known, driver: 'local', mountpoint: data, used_by: usedBy };
}
