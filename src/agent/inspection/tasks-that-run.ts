import { listContainers } from '../../containerizer/container/catalogue.js';
import { removeContainer } from '../../containerizer/container/remove.js';
import { settle } from '../../containerizer/container/settle.js';
import type { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';

/** A container of an agent's, by its sandbox: whether there is an agent or not. */
export interface RunningTask {
  /** Of the task, or of its executor. */
  name: string;
  container: string;
  /** Of its first process, on the host. */
  pid: number | null;
}

export function tasksThatRun(
  roots: Roots,
  sandboxes: string,
  onDamaged: (damage: BerthError) => void,
): RunningTask[] {
  return listContainers(roots, onDamaged).flatMap((found) => {
    const sandbox = found.document.volumes.find(({ source }) => source.startsWith(`${sandboxes}/`))?.source;
    if (sandbox === undefined) return [];
    const { state, process, document } = settle(roots, found);
    if (state !== 'running') return [];
    const name = /\/executors\/([^/]+)\/runs\//.exec(sandbox)?.[1] ?? document.name;
    return [{ name, container: document.id, pid: process?.task.pid ?? null }];
  });
}

/** Ends them, and takes their containers away. */
export async function endTasks(
  roots: Roots,
  sandboxes: string,
  onDamaged: (damage: BerthError) => void,
): Promise<void> {
  for (const container of listContainers(roots, onDamaged))
    if (container.document.volumes.some(({ source }) => source.startsWith(`${sandboxes}/`)))
      await removeContainer(roots, container, { force: true });
}
