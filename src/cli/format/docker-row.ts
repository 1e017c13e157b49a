import type { Container } from '../../containerizer/container/catalogue.js';
import { shownState } from '../../containerizer/container/catalogue.js';
import { duration } from '../../inspect/quantity.js';
import type { InspectedTask } from '../../inspect/task-source.js';
import { labelColumns } from './labels.js';

/** A container as `ps --format` shows it: with Docker's names, and with those members of `--json` that take no sample. */
export function dockerRow(task: InspectedTask, container: Container | undefined, trunc: boolean) {
  const { id, name, image, state, pid, startedAt, ports } = task;
  const document = container?.document;
  const labels = document?.labels ?? {};
  const command = (document?.command ?? []).join(' ');
  return {
    id,
    name,
    image,
    state,
    pid,
    ports,
    start_time: startedAt,
    exit_code: container?.exit?.status ?? null,
    labels,
    network: document?.network ?? null,
    created_at: document?.created_at ?? null,
    ID: trunc ? id.slice(0, 12) : id,
    Names: name,
    Image: image ?? '',
    Command: `"${trunc && command.length > 20 ? `${command.slice(0, 19)}…` : command}"`,
    CreatedAt: document?.created_at ?? '',
    RunningFor: document === undefined ? '' : `${since(document.created_at)} ago`,
    Ports: ports ?? '',
    State: state,
    Status: container === undefined ? state : statusOf(container),
    ...labelColumns(labels),
    Mounts: (document?.volumes ?? []).map((volume) => volume.name ?? volume.source).join(','),
    Networks: networksOf(document),
    Pid: pid ?? 0,
  };
}

function networksOf(document: Container['document'] | undefined): string {
  if (document === undefined) return '';
  return document.networks.length === 0 ? document.network : document.networks.join(',');
}

function statusOf(container: Container): string {
  const { process, exit } = container;
  const state = shownState(container);
  if (state === 'created') return 'Created';
  if (state === 'running' || state === 'paused')
    return `Up ${since(process?.started_at)}${state === 'paused' ? ' (Paused)' : ''}`;
  return exit === undefined ? 'Dead' : `Exited (${exit.status}) ${since(exit.finished_at)} ago`;
}

function since(time: string | undefined): string {
  return duration(time === undefined ? null : Math.max(0, (Date.now() - Date.parse(time)) / 1000));
}
