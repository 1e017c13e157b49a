import { constants } from 'node:os';
import { readContainer } from '../../containerizer/container/catalogue.js';
import { discardEnded } from '../../containerizer/container/discard.js';
import type { ExitDocument } from '../../containerizer/container/document.js';
import { newId } from '../../containerizer/container/names.js';
import { supervisorLost } from '../../containerizer/container/supervisor-lost.js';
import { waitForExit } from '../../containerizer/container/wait.js';
import type { ContainerID } from '../../mesos/messages.js';
import { isNativeError, native } from '../../native/index.js';
import type { Agent } from '../agent.js';
import type { LiveContainer } from '../container/live-container.js';
import { lookAgain, recoverContainer } from '../recovery/recover-container.js';
import { sandboxFolder } from '../sandbox/place.js';
import { endSandbox } from '../sandbox/sandbox.js';
import { nobodys } from '../standalone/launch.js';
import { HeldFolder } from './folder.js';
import { launchNested, type NestedWorkload } from './launch.js';
import { Nested } from './nested.js';
import { deleteNested, type NestedRecord, nestedKey, putNested, recoveredNested } from './record.js';

const { SIGKILL } = constants.signals;

/**
 * Containers below others: in their control groups, with sandboxes below theirs. They outlive the agent, and never their parents. What one has come to is kept until it is removed or the
 * parent is.
 */
export class NestedContainers {
  private readonly all = new Map<string, Nested>();
  /** Containers whose end takes others along, and is waited for. */
  private readonly watched = new Set<string>();

  constructor(private readonly agent: Agent) {}

  /** Below the container of that id. */
  find(parent: string, value: string): Nested | undefined {
    return this.all.get(nestedKey(parent, value));
  }

  /** The one whose sandbox is in these folders of the sandbox of a container that no other holds. */
  inFolders(root: string, folders: readonly string[]): string | undefined {
    const wanted = folders.join('/');
    for (const { containerId, record } of this.all.values())
      if (record.root === root && record.folders.join('/') === wanted) return containerId;
    return undefined;
  }

  /** What each is called, by the ids of their containers. */
  names(): Map<string, ContainerID> {
    return new Map([...this.all.values()].map(({ containerId, record }) => [containerId, record.name]));
  }

  /** Resolves once its program runs. Throws a BerthError, with nothing left behind, where it cannot. */
  async launch(
    asked: Pick<NestedRecord, 'name' | 'parent' | 'root' | 'place' | 'folders'>,
    workload: NestedWorkload,
  ): Promise<void> {
    const nested = new Nested({ ...asked, container_id: newId() });
    const { record } = nested;
    nested.ownsFolder = false;
    this.all.set(nested.key, nested);
    putNested(this.agent.records.store, record);
    this.watchParent(record.parent);
    try {
      const container = await launchNested(this.agent, nested, workload);
      if (container === undefined) await this.forget(nested);
      else this.watch(nested, container);
    } catch (error) {
      await this.forget(nested);
      throw error;
    }
  }

  signal(nested: Nested, number: number): void {
    nested.container?.signal(number);
  }

  /** It has ended, and is forgotten with its sandbox. */
  async remove(nested: Nested): Promise<void> {
    await this.endBelow(nested.containerId);
    await this.forget(nested);
  }

  /** Ends all below a container that has ended, and forgets them. Their sandboxes go with its sandbox. `over`: called when nothing of them runs, before they are forgotten. */
  async endBelow(parent: string, over: () => void = () => {}): Promise<void> {
    const below = [...this.all.values()].filter(({ record }) => record.parent === parent);
    await Promise.all(
      below.map(async (nested) => {
        nested.doomed = true;
        nested.container?.signal(SIGKILL);
        await nested.ended;
        await this.endBelow(nested.containerId);
      }),
    );
    // The next agent goes on with it.
    if (this.agent.closed) return;
    over();
    for (const nested of below) this.drop(nested);
  }

  /** Whether there is any below it: then `endBelow` takes a moment. */
  hasBelow(parent: string): boolean {
    for (const { record } of this.all.values()) if (record.parent === parent) return true;
    return false;
  }

  /** Takes up what the last agent has left, before anything is decided on their parents. */
  async recover(): Promise<void> {
    const recovered = recoveredNested(this.agent.records.store).map((record) => new Nested(record));
    for (const nested of recovered) this.all.set(nested.key, nested);
    await Promise.all(recovered.map((nested) => this.recoverOne(nested)));
  }

  /** Once it is known whose their parents are. One that has ended, and whose task is forgotten, waited for those below it alone. */
  async settle(): Promise<void> {
    const { roots, tasks, executors } = this.agent;
    const owned = new Set([...tasks.values(), ...executors.all()].map(({ containerId }) => containerId));
    for (const { record } of [...this.all.values()]) {
      const { parent, root, place } = record;
      const isNobodys = parent === root && !owned.has(root) && place.frameworkId !== nobodys;
      if (isNobodys) await this.endBelow(parent, () => discardEnded(roots, parent, this.agent.trash));
      else this.watchParent(parent);
    }
  }

  private async recoverOne(nested: Nested): Promise<void> {
    const { exit } = nested.record;
    if (exit !== undefined) {
      this.discard(nested);
      nested.end(exit);
      return;
    }
    const found = await recoverContainer(this.agent, nested.containerId);
    if (found.kind === 'runs') this.watch(nested, found.container);
    else if (found.kind === 'ended') this.ended(nested, found.exit);
    else if (found.kind === 'damaged') this.ended(nested, supervisorLost());
    else await this.forget(nested);
  }

  private watch(nested: Nested, container: LiveContainer): void {
    nested.container = container;
    if (nested.doomed) container.signal(SIGKILL);
    container.ended.then(
      (exit) => {
        if (!this.agent.closed) this.ended(nested, exit);
      },
      (error) => {
        this.agent.defect(error);
        setTimeout(() => {
          if (!this.agent.closed) this.recoverOne(nested).catch((cause) => this.agent.defect(cause));
        }, lookAgain).unref();
      },
    );
  }

  /** Only once its end is on the disk its container goes: until then that has the only record of it. */
  private ended(nested: Nested, { status, signal }: Pick<ExitDocument, 'status' | 'signal'>): void {
    nested.container = undefined;
    nested.record.exit = { status, signal };
    putNested(this.agent.records.store, nested.record);
    this.agent.records.flushed(() => {
      this.endBelow(nested.containerId, () => this.discard(nested))
        .catch((error) => this.agent.defect(error))
        .finally(() => nested.end({ status, signal }));
    });
  }

  /** Its log stays beside the sandboxes. */
  private discard({ containerId, record }: Nested): void {
    const { roots, config } = this.agent;
    endSandbox(roots, config.sandboxes, { ...record.place, containerId });
    if (!discardEnded(roots, containerId, this.agent.trash))
      this.agent.note(`container ${containerId} stays: its cgroup is not empty yet`);
  }

  /** Nothing is left of it, its folder neither. */
  private async forget(nested: Nested): Promise<void> {
    const { folders, place } = nested.record;
    const root = sandboxFolder(this.agent.config.sandboxes, place);
    try {
      if (!nested.ownsFolder) return;
      const above = HeldFolder.make(root, folders.slice(0, -1));
      try {
        await native().removeTree(`${above.path}/${folders.at(-1)}`);
      } finally {
        above.close();
      }
    } catch (error) {
      // The sandbox is gone already, or its task has put something else there.
      if (!isNativeError(error)) this.agent.note(`sandbox ${folders.join('/')}: ${String(error)}`);
    } finally {
      this.drop(nested);
      nested.end(supervisorLost());
    }
  }

  private drop(nested: Nested): void {
    if (this.all.get(nested.key) !== nested) return;
    this.all.delete(nested.key);
    deleteNested(this.agent.records.store, nested.record);
  }

  private watchParent(id: string): void {
    if (this.watched.has(id)) return;
    this.watched.add(id);
    const { roots } = this.agent;
    const container = readContainer(roots, id);
    const ended = container?.state === 'running' ? waitForExit(roots, container) : Promise.resolve(undefined);
    ended
      .then(() => {
        this.watched.delete(id);
        if (!this.agent.closed) return this.endBelow(id);
        return undefined;
      })
      .catch((error) => this.agent.defect(error));
  }
}
