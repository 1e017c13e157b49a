import { storedReader } from '../../mesos/json-read.js';
import { messageWriter } from '../../mesos/json-write.js';
import type { ExecutorInfo, FrameworkInfo } from '../../mesos/messages.js';
import { messageType } from '../../mesos/schema.js';
import { documentName, type Store } from '../../state/store/store.js';

/** What the agent must not forget of an executor while it may run. */
export interface ExecutorRecord {
  framework: FrameworkInfo;
  info: ExecutorInfo;
  container_id: string;
  /** By which it proves who it is, where the kernel cannot tell. */
  token: string;
  boot_id: string;
  /** It has subscribed, once. */
  registered?: true;
  /** Milliseconds since 1970: it is to end, and is made to then. */
  deadline?: number;
}

const table = 'executor';

/** How an executor is known on this host. */
export const executorKey = (frameworkId: string, executorId: string) => `${frameworkId}/${executorId}`;

export function keyOf({ framework, info }: Pick<ExecutorRecord, 'framework' | 'info'>): string {
  return executorKey(framework.id?.value ?? '', info.executor_id.value);
}

/** `deadline`: a new one. */
export function putExecutor(store: Store, record: ExecutorRecord, deadline = record.deadline): void {
  if (deadline !== undefined) record.deadline = deadline;
  store.put(table, keyOf(record), {
    ...record,
    framework: messageWriter(messageType('mesos.v1.FrameworkInfo'))(record.framework),
    info: messageWriter(messageType('mesos.v1.ExecutorInfo'))(record.info),
  });
}

export function deleteExecutor(store: Store, record: ExecutorRecord): void {
  store.delete(table, keyOf(record));
}

export function recoveredExecutors(store: Store, wanted: (info: ExecutorInfo) => boolean): ExecutorRecord[] {
  const records: ExecutorRecord[] = [];
  for (const [name, document] of store.recovered()) {
    if (!name.startsWith(documentName(table, ''))) continue;
    const record = document as ExecutorRecord;
    records.push({
      ...record,
      framework: storedReader(messageType('mesos.v1.FrameworkInfo'))(record.framework, '') as FrameworkInfo,
      info: storedReader(messageType('mesos.v1.ExecutorInfo'))(record.info, '') as ExecutorInfo,
    });
  }
  return records.filter(({ info }) => wanted(info));
}
