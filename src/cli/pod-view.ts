import { type Container, shownState } from '../containerizer/container/catalogue.js';
import type { Pod } from '../containerizer/pod/pods.js';

/** The members of a pod in JSON. */
export function podJson({ uuid, name, state, createdAt, keeper, apps }: Pod) {
  return {
    uuid,
    name,
    state,
    created_at: createdAt,
    container: keeper?.document.id ?? null,
    pid: keeper?.state === 'running' ? (keeper.process?.task.pid ?? null) : null,
    network: keeper?.document.network ?? null,
    hostname: keeper?.document.hostname ?? null,
    apps: apps.map(appJson),
  };
}

function appJson(container: Container) {
  const { document, state, process, exit } = container;
  return {
    name: document.pod?.app ?? document.name,
    container: document.id,
    container_name: document.name,
    image: document.image,
    image_id: document.pod?.image_id ?? null,
    state: shownState(container),
    pid: state === 'running' ? (process?.task.pid ?? null) : null,
    started_at: process?.started_at ?? null,
    finished_at: exit?.finished_at ?? null,
    exit_code: exit?.status ?? null,
    oom_killed: exit?.oom_killed ?? null,
  };
}
