import { type UsedVolume, volumeWithUsers } from '../../containerizer/container/volume-users.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show all that is known of volumes, as JSON',
  example: 'berth volume inspect data',
  declare(command) {
    command.argument('<name...>');
  },
  run({ roots, json, out }, names) {
    const volumes = names.map((name) => volumeJson(volumeWithUsers(roots, name)));
    out(`${JSON.stringify(volumes, null, json ? 0 : 2)}\n`);
    return 0;
  },
};

/** The members that `volume ls` and `volume inspect` share. */
export function volumeJson({ document, data, usedBy }: UsedVolume) {
  const { format: _format, ...known } = document;
  return { ...known, driver: 'local', mountpoint: data, used_by: usedBy };
}
