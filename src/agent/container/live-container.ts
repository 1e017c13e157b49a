import { setTimeout as sleep } from 'node:timers/promises';
import { type Container, readContainer } from '../../containerizer/container/catalogue.js';
import { awaitExit, sendSignal } from '../../containerizer/container/control.js';
import type { ExitDocument } from '../../containerizer/container/document.js';
import type { RunningContainer } from '../../containerizer/container/launch.js';
import { removeContainer } from '../../containerizer/container/remove.js';
import { settle } from '../../containerizer/container/settle.js';
import { waitForExit } from '../../containerizer/container/wait.js';
import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';

/** Half a minute, while somebody else launches all the time. */
const mostTries = 300;
const pause = 100;

/** A container that runs, launched by this agent or by one before it. */
export interface LiveContainer {
  id: string;
  /** Of its first process, on the host. */
  pid: number;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Resolves once it has ended, and its end is on record. */
  ended: Promise<ExitDocument>;
  signal(number: number): void;
}

export function launched({ id, pid, ended, signal }: RunningContainer): LiveContainer {
  return { id, pid, startedAt: Date.now(), ended, signal };
}

/** What became of a container while there was no agent. */
export type Found =
  | { kind: 'runs'; container: LiveContainer }
  | { kind: 'ended'; exit: ExitDocument; startedAt: number }
  /** It never came to run, and never will; nothing is left of it. */
  | { kind: 'never' }
  /** It was there, and is ended; nothing else can be known of it. */
  | { kind: 'damaged' };

/** Looks for a container by the id that it was to have. One that is on its way without its launcher is ended. */
export async function findContainer(
  roots: Roots,
  id: string,
  fail: (error: unknown) => void,
): Promise<Found> {
  for (let tries = 1; ; tries++) {
    const found = readContainer(roots, id);
    if (found === undefined) return { kind: 'never' };
    const container = settle(roots, found);
    if (container.state === 'running') return { kind: 'runs', container: adopted(roots, container, fail) };
    if (container.exit !== undefined)
      return { kind: 'ended', exit: container.exit, startedAt: startOf(container) };
    try {
      await removeContainer(roots, container, { force: true });
      return { kind: 'never' };
    } catch (error) {
      // It came to run meanwhile.
      if (!(error instanceof BerthError) || error.code !== 'CONTAINER_STATE' || tries === mostTries)
        throw error;
      await sleep(pause);
    }
  }
}

function adopted(roots: Roots, container: Container, fail: (error: unknown) => void): LiveContainer {
  const { id } = container.document;
  return {
    id,
    pid: container.process?.task.pid ?? 0,
    startedAt: startOf(container),
    ended: awaitExit(roots, id).then((told) => told ?? waitForExit(roots, container)),
    signal: (number) => void sendSignal(roots, id, number).catch(fail),
  };
}

function startOf({ process, document }: Container): number {
  return Date.parse(process?.started_at ?? document.created_at);
}
