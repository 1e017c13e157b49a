import type { ExitDocument } from '../../containerizer/container/document.js';
import type { ContainerID } from '../../mesos/messages.js';
import { documentName, type Store } from '../../state/store/store.js';
import type { SandboxPlace } from '../sandbox/place.js';

/** What the agent must not forget of a nested container, until it is removed or its parent has gone. */
export interface NestedRecord {
  /** As it was named, with its parents. */
  name: ContainerID;
  /** The id of its container. */
  container_id: string;
  /** Of its parent's container, which may be nested too, and of the one that no other holds. */
  parent: string;
  root: string;
  /** Of the root's sandbox, and the folders from there to its own. */
  place: SandboxPlace;
  folders: string[];
  /** It has ended. */
  exit?: Pick<ExitDocument, 'status' | 'signal'>;
}

const table = 'nested';

/** Below one parent a name stands for one container. */
export const nestedKey = (parent: string, value: string) => `${parent}/${value}`;

const keyOf = ({ parent, name }: NestedRecord) => nestedKey(parent, name.value);

export function putNested(store: Store, record: NestedRecord): void {
  store.put(table, keyOf(record), record);
}

export function deleteNested(store: Store, record: NestedRecord): void {
  store.delete(table, keyOf(record));
}

export function recoveredNested(store: Store): NestedRecord[] {
  const prefix = documentName(table, '');
  return [...store.recovered()]
    .filter(([name]) => name.startsWith(prefix))
    .map(([, document]) => document as NestedRecord);
}
