import type { Roots } from '../../state/roots.js';
import { tellContainer } from '../events/tell.js';
import { readContainer } from './catalogue.js';
import { throwAway } from './folders.js';
import { removeCgroups } from './settle.js';
import type { TrashRemoval } from './trash-removal.js';
import { discardAnonymous } from './volumes.js';

/**
 * Removes a container whose end its supervisor has recorded, for who watched it: nothing of it runs, so nobody is waited for, and of other containers nothing is looked at. One that
 * runs, or has no end on record, stays. What it leaves on the disk goes by and by.
 */
export function discardEnded(roots: Roots, id: string, removal: TrashRemoval): boolean {
  const container = readContainer(roots, id);
  if (container === undefined) return true;
  const { document, exit } = container;
  if (exit === undefined) return false;
  // Something outlasts even that: its record stays, and with it who can find it (`berth gc`, `berth rm`).
  if (!removeCgroups(container)) return false;
  discardAnonymous(roots, document);
  for (const folder of throwAway(roots, document)) removal.add(folder);
  tellContainer(roots, document, 'destroy');
  return true;
}
