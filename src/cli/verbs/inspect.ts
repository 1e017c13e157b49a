import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Option } from 'commander';
import { type Container, findContainer, shownState } from '../../containerizer/container/catalogue.js';
import { reasonOf } from '../../containerizer/container/oom.js';
import { settle } from '../../containerizer/container/settle.js';
import { volumeWithUsers } from '../../containerizer/container/volume-users.js';
import { inspectImage } from '../../containerizer/image/list.js';
import { readHealth } from '../../containerizer/keeping/health-record.js';
import { restartCount } from '../../containerizer/keeping/restarts.js';
import { findNetwork } from '../../containerizer/network/store.js';
import { BerthError } from '../../errors/berth-error.js';
import type { RuntimeConfig } from '../../oci-spec/runtime.js';
import { places, type Roots } from '../../state/roots.js';
import { dockerContainer } from '../format/docker-container.js';
import { dockerImage, dockerNetwork, dockerVolume } from '../format/docker-things.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import { report } from '../report.js';
import { jsonText } from '../table.js';
import type { Verb } from '../verb.js';
import { imageDetailsJson } from './image-inspect.js';
import { networkJson } from './network-inspect.js';
import { volumeJson } from './volume-inspect.js';

/** What can be inspected, in the order in which a name is looked for. */
const kinds: Record<string, (roots: Roots, name: string) => Found> = {
  container(roots, name) {
    const document = describe(roots, settle(roots, findContainer(roots, name)));
    return { document, docker: () => dockerContainer(document) };
  },
  image(roots, name) {
    const document = imageDetailsJson(inspectImage(roots, name));
    return { document, docker: () => dockerImage(document) };
  },
  volume(roots, name) {
    const document = volumeJson(volumeWithUsers(roots, name));
    return { document, docker: () => dockerVolume(document) };
  },
  network(roots, name) {
    const document = networkJson(roots, findNetwork(roots, name));
    return { document, docker: () => dockerNetwork(document) };
  },
};

interface Found {
  document: object;
  /** With Docker's names too, for templates. */
  docker(): object;
}

export const verb: Verb = {
  summary: 'Show all that is known of containers, images, volumes and networks, as JSON',
  example: 'berth inspect web',
  declare(command) {
    command
      .argument('<name...>', 'ids or names; of one its document, of several a list of them')
      .addOption(
        new Option('--type <type>', 'what is meant, where several things have the name').choices(
          Object.keys(kinds),
        ),
      )
      .addOption(formatFlag('-f, --format <template>'));
  },
  run({ roots, json, out }, names, given) {
    const { type, format } = given as { type?: string; format?: Format };
    let status = 0;
    const found: Found[] = [];
    for (const name of names) {
      try {
        found.push(find(roots, name, type === undefined ? Object.keys(kinds) : [type]));
      } catch (error) {
        // The others are shown all the same.
        if (names.length === 1 || !(error instanceof BerthError)) throw error;
        status = report(error, 'inspect') || status;
      }
    }
    if (format !== undefined && format !== 'json') {
      out(
        formatted(
          format,
          found.map(({ docker }) => docker()),
        ),
      );
      return status;
    }
    const documents = found.map(({ document }) => document);
    const document = names.length === 1 ? documents[0] : documents;
    out(`${jsonText(document, json || format === 'json' ? 0 : 2)}\n`);
    return status;
  },
};

function find(roots: Roots, name: string, types: readonly string[]): Found {
  for (const type of types) {
    try {
      const found = kinds[type]?.(roots, name);
      if (found !== undefined) return found;
    } catch (error) {
      if (types.length === 1 || !(error instanceof BerthError) || !absent.has(error.code)) throw error;
    }
  }
  throw new BerthError('CONTAINER_NOT_FOUND', {
    what: name,
    why: 'no container, image, volume or network has that name or id',
    mend: 'See berth ps -a, berth image ls, berth volume ls and berth network ls.',
  });
}

const absent = new Set<string>([
  'CONTAINER_NOT_FOUND',
  'IMAGE_NOT_FOUND',
  'REFERENCE_INVALID',
  'VOLUME_NOT_FOUND',
  'NETWORK_NOT_FOUND',
]);

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
    ...(document.restart !== undefined && { restart_count: restartCount(roots, document.id) }),
    ...(document.healthcheck !== undefined && {
      health: readHealth(roots, document.id, process?.started_at) ?? null,
    }),
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
