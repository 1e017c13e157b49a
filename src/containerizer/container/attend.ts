import type { Roots } from '../../state/roots.js';
import type { Watch } from '../events/follow.js';
import { listContainers, readContainer } from './catalogue.js';
import { awaitExit } from './control.js';
import type { StateDocument } from './document.js';
import { settle } from './settle.js';
import { supervisorGone } from './wait.js';

/**
 * Brings containers to their end whose supervisors are killed, at once, so that whoever follows events is told. The kernel closes a supervisor's connections with it: nothing
 * polls. Keeps no process alive.
 */
export function attendSupervisors(roots: Roots, fail: (error: unknown) => void): Watch {
  const attended = new Set<string>();
  const attend = async (id: string, supervisor: string, process: StateDocument): Promise<void> => {
    attended.add(supervisor);
    await awaitExit(roots, id, { keepsAlive: false });
    await supervisorGone(process);
    attended.delete(supervisor);
    const now = readContainer(roots, id);
    if (now !== undefined) settle(roots, now);
  };
  const watch = (id: string): void => {
    const container = readContainer(roots, id);
    if (container === undefined || container.process === undefined) return;
    const { pid, start_time } = container.process.supervisor;
    const supervisor = `${pid} ${start_time}`;
    if (container.state === 'running' && !attended.has(supervisor))
      attend(id, supervisor, container.process).catch(fail);
    else settle(roots, container);
  };
  for (const { document } of listContainers(roots, () => {})) watch(document.id);
  return watch;
}
