import { mkdirSync } from 'node:fs';
import type { CommandInfo } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import { giveSandbox, ownerOf } from './owner.js';

export interface Furnishing {
  /** Of the container; undefined or empty: its root. */
  user: string | undefined;
  /** Directories in which that user is looked up, topmost first: the image's. */
  image: { layers: readonly string[]; tree?: string };
  command: CommandInfo;
  /** Folders in the sandbox that are to be there. */
  folders: readonly string[];
  /** The framework's: what it has had cached is not another's. */
  frameworkUser: string;
}

/** Makes a new sandbox its task's own, and brings into it what the command asks for. Throws FETCH_FAILED. */
export async function furnishSandbox(agent: Agent, sandbox: string, wanted: Furnishing): Promise<void> {
  const { layers, tree } = wanted.image;
  const owner = ownerOf(wanted.user ?? '', tree === undefined ? layers : [...layers, tree]) ?? {
    // The launch says that there is no such user.
    uid: 0,
    gid: 0,
  };
  giveSandbox(sandbox, owner);
  for (const folder of wanted.folders) {
    mkdirSync(folder, { recursive: true });
    giveSandbox(folder, owner);
  }
  const { uris = [] } = wanted.command;
  if (uris.length > 0)
    await agent.fetcher.fetch({ folder: sandbox, owner, user: wanted.user ?? wanted.frameworkUser, uris });
}
