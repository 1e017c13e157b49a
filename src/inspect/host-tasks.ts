import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../errors/berth-error.js';
import type { CgroupPlace } from '../native/index.js';
import { places, type Roots } from '../state/roots.js';
import type { InspectedTask } from './task-source.js';

/** The containers of one installation, oldest first, from the files that their launch and their supervisors left. */
export function listTasks(roots: Roots): InspectedTask[] {
  const ids = new Set([...foldersOf(places.running(roots)), ...foldersOf(places.containers(roots))]);
  return [...ids]
    .flatMap((id) => {
      const container = readContainer(roots, id);
      return container === undefined ? [] : [{ container, task: taskOf(roots, id, container) }];
    })
    .sort((a, b) => a.container.created_at.localeCompare(b.container.created_at))
    .map(({ task }) => task);
}

interface ContainerFile {
  id: string;
  name: string;
  image?: string;
  zone?: string;
  created_at: string;
  cgroup?: {
    layout: 'unified' | 'hybrid' | 'legacy' | 'none';
    procs?: string;
    controllers?: Record<string, string>;
  };
}

interface StateFile {
  boot_id: string;
  task?: { pid: number; start_time: number };
  started_at?: string;
}

function readContainer(roots: Roots, id: string): ContainerFile | undefined {
  return (
    readJson<ContainerFile>(path.join(places.run(roots, id), 'container.json')) ??
    readJson<ContainerFile>(path.join(places.container(roots, id), 'container.json'))
  );
}

function taskOf(roots: Roots, id: string, container: ContainerFile): InspectedTask {
  const folder = places.run(roots, id);
  const state = readJson<StateFile>(path.join(folder, 'state.json'));
  const ended = existsSync(path.join(folder, 'exit.json'));
  const lives = !ended && state?.task !== undefined && isAlive(state, state.task);
  return {
    id,
    name: container.name,
    image: container.image ?? null,
    zone: container.zone ?? null,
    state: stateOf(existsSync(folder), ended, state, lives),
    pid: lives ? (state.task?.pid ?? null) : null,
    pidStartTime: lives ? (state.task?.start_time ?? null) : null,
    startedAt: state?.started_at ?? null,
    cgroup: { procs: container.cgroup?.procs ?? null, controllers: controllersOf(container) },
  };
}

function stateOf(
  hasRun: boolean,
  ended: boolean,
  state: StateFile | undefined,
  lives: boolean,
): InspectedTask['state'] {
  if (!hasRun || ended) return 'exited';
  if (state?.task === undefined) return 'created';
  return lives ? 'running' : 'lost';
}

/** In a hybrid layout the controllers that can be named by a container are bound to v1. */
function controllersOf({ cgroup }: ContainerFile): Record<string, CgroupPlace> {
  const version = cgroup?.layout === 'unified' ? 2 : 1;
  return Object.fromEntries(
    Object.entries(cgroup?.controllers ?? {}).map(([name, directory]) => [name, { directory, version }]),
  );
}

function isAlive(state: StateFile, task: { pid: number; start_time: number }): boolean {
  if (state.boot_id !== readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) return false;
  const stat = readIfThere(`/proc/${task.pid}/stat`);
  // What follows the command's name, which ends at the last parenthesis, starts with field 3.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields !== undefined && fields[0] !== 'Z' && Number(fields[22 - 3]) === task.start_time;
}

function foldersOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

function readJson<Content>(file: string): Content | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Content;
  } catch (cause) {
    throw new BerthError('STATE_DAMAGED', { what: file, why: 'it is not valid JSON', cause });
  }
}
