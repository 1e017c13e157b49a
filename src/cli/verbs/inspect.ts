import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Container, findContainer, shownState } from '../../containerizer/container/catalogue.js';
import { reasonOf } from '../../containerizer/container/oom.js';
import { settle } from '../../containerizer/container/settle.js';
import type { RuntimeConfig } from '../../oci-spec/runtime.js';
import { places, type Roots } from '../../state/roots.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show all that is known of a container, as JSON',
  example: 'berth inspect web',
  declare(command) {
    command.argument('<id>', 'id or name');
  },
  run({ roots, json, out }, [wanted = '']) {
    const container = settle(roots, findContainer(roots, wanted));
    out(`${JSON.stringify(describe(roots, container), null, json ? 0 : 2)}\n`);
    return 0;
  },
};

function describe(roots: Roots, container: Container) {
  const { document, state, process, exit } = container;
  const { format: _format, cgroup_places: _places, ...asked } = document;
  return {
    ...asked,
    state: shownState(container),
    pid: state === 'running' ? (process?.task.pid ?? null) : null,
    supervisor_pid: state === 'running' ? (process?.supervisor.pid ?? null) : null,
    started_at: process?.started_at ?? null,
    finished_at: exit?.finished_at ?? null,
    exit_code: exit?.status ?? null,
    signal: exit?.signal ?? null,
    oom_killed: exit?.oom_killed ?? null,
    oom: exit?.oom ?? null,
    reason: reasonOf(exit),
    log_bytes_dropped: exit?.log_bytes_dropped ?? null,
    directory: places.container(roots, document.id),
    config: readConfig(path.join(places.run(roots, document.id), 'config.json')),
  };
}

/** The OCI document that the container was launched from; it is gone with the boot that the container ran in. */
function readConfig(file: string): RuntimeConfig | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RuntimeConfig;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
