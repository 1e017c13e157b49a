import { findPod } from '../../containerizer/pod/pods.js';
import { stopPod } from '../../containerizer/pod/stop-pod.js';
import { forEachContainer } from '../each-container.js';
import { seconds } from '../run-flags/quantity.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'End pods: the stop signal to every app, and after a while SIGKILL',
  example: 'berth pod stop -t 5 web',
  declare(command) {
    command
      .argument('<pod...>', 'names or uuids')
      .option('-t, --time <seconds>', 'how long to wait before SIGKILL; by default 10', seconds);
  },
  run(context, wanted, { time }) {
    const grace = time === undefined ? undefined : Number(time);
    return forEachContainer(
      context,
      wanted,
      (name) => stopPod(context.roots, findPod(context.roots, name), grace),
      'pods',
    );
  },
};
