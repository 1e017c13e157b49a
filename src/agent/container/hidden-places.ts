import { existsSync } from 'node:fs';
import type { Roots } from '../../state/roots.js';
import type { AgentConfig } from '../config.js';

/** Where installed daemons have their configuration, and people their keys: the master's of this host, too. */
const installed = '/etc/berth';

/** What of the host no task sees, though it be root with the host's own files: berth's state, and its secrets. */
export function hiddenPlaces(
  { root, state }: Roots,
  { folder, sandboxes, secretFiles, tlsKey }: AgentConfig,
): string[] {
  return [
    ...[root, state, folder, sandboxes, ...secretFiles],
    ...(tlsKey === '' ? [] : [tlsKey]),
    ...(existsSync(installed) ? [installed] : []),
  ];
}
