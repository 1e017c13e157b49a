import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import type { Resource } from '../../mesos/messages.js';
import { identityOf, reservedRole } from '../../mesos/resources/identity.js';

/** Folders that outlast the tasks that use them: `volumes/roles/ROLE/ID` below the agent's own. */
export class PersistentVolumes {
  constructor(private readonly agentFolder: string) {}

  /** Of a volume that is used; made if it is not there. */
  folderOf(resource: Resource): string {
    const folder = this.place(resource);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    return folder;
  }

  create(resource: Resource): void {
    this.folderOf(resource);
  }

  /** Renamed first: a crash half-way leaves nothing that looks like a volume. */
  destroy(resource: Resource): void {
    const folder = this.place(resource);
    const trash = path.join(this.agentFolder, 'volumes', 'trash');
    mkdirSync(trash, { recursive: true, mode: 0o700 });
    const doomed = path.join(trash, `${process.pid}-${Date.now()}`);
    try {
      renameSync(folder, doomed);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return;
    }
    rmSync(doomed, { recursive: true, force: true });
  }

  /** What a crash left of volumes that were being destroyed. */
  sweep(): void {
    rmSync(path.join(this.agentFolder, 'volumes', 'trash'), { recursive: true, force: true });
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
