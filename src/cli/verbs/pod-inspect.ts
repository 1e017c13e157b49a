import { findPod } from '../../containerizer/pod/pods.js';
import { podJson } from '../pod-view.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show all that is known of a pod, as JSON: its apps, and its manifest with all filled in',
  example: 'berth pod inspect web',
  declare(command) {
    command.argument('<pod>', 'a name or uuid');
  },
  run({ roots, json, out }, [wanted = '']) {
    const pod = findPod(roots, wanted);
    const document = { ...podJson(pod), manifest: pod.keeper?.document.pod?.manifest ?? null };
    out(`${JSON.stringify(document, null, json ? 0 : 2)}\n`);
    return 0;
  },
};
