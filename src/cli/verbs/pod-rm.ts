import { removePod } from '../../containerizer/pod/remove-pod.js';
import { forEachContainer } from '../each-container.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove pods with their files, logs and empty volumes',
  example: 'berth pod rm -f web',
  declare(command) {
    command.argument('<pod...>', 'names or uuids').option('-f, --force', 'kill those that run first');
  },
  run(context, wanted, { force }) {
    return forEachContainer(
      context,
      wanted,
      (name) => removePod(context.roots, name, { force: force === true }),
      'pods',
    );
  },
};
