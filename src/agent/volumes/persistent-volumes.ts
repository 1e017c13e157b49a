import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import type { Resource } from '../../mesos/messages.js';
import { identityOf, reservedRole } from '../../mesos/resources/identity.js';
import { native } from '../../native/index.js';

/** Folders that outlast the tasks that use them: `volumes/roles/ROLE/ID` below the agent's own. */
export class PersistentVolumes {
  private readonly removals = new Set<Promise<void>>();

  constructor(
    private readonly agentFolder: string,
    /** Told of what could not be removed; the next agent tries again. */
    private readonly fail: (error: unknown) => void,
  ) {}

  /** Of a volume that is used; made if it is not there. */
  folderOf(resource: Resource): string {
    const folder = this.place(resource);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    return folder;
  }

  create(resource: Resource): void {
    this.folderOf(resource);
  }

  /** It is gone at once; what was in it goes meanwhile, and may be much. A crash half-way leaves nothing that looks like a volume. */
  destroy(resource: Resource): void {
    const folder = this.place(resource);
    mkdirSync(this.trash, { recursive: true, mode: 0o700 });
    const doomed = path.join(this.trash, randomUUID());
    try {
      renameSync(folder, doomed);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return;
    }
    this.remove(doomed);
  }

  /** What a crash left of volumes that were being destroyed. */
  sweep(): void {
    if (!existsSync(this.trash)) return;
    for (const name of readdirSync(this.trash)) this.remove(path.join(this.trash, name));
  }

  /** Resolves once nothing is being removed. */
  async close(): Promise<void> {
    await Promise.all(this.removals);
  }

  private get trash(): string {
    return path.join(this.agentFolder, 'volumes', 'trash');
  }

  /** By descriptors, and not in this thread. */
  private remove(doomed: string): void {
    const removal: Promise<void> = native()
      .removeTree(doomed)
      .catch(this.fail)
      .finally(() => this.removals.delete(removal));
    this.removals.add(removal);
  }

  private place(resource: Resource): string {
    const role = reservedRole(identityOf(resource)) ?? '*';
    const id = resource.disk?.persistence?.id ?? '';
    if (id === '' || /[/\\\0]|^\.{1,2}$/.test(id) || /[\\\0]|(^|\/)\.{1,2}(\/|$)/.test(role))
      throw new BerthError('USAGE', { what: `persistent volume ${id}`, why: 'that is no name of one' });
    // As the reference has it: a role's parts are no folders of their own.
    return path.join(this.agentFolder, 'volumes', 'roles', role.replaceAll('/', ' '), id);
  }
}
