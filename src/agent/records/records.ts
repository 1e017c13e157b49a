import type { MessageName } from '../../mesos/codec.js';
import { storedReader } from '../../mesos/json-read.js';
import { messageWriter } from '../../mesos/json-write.js';
import type { FrameworkInfo, Messages, Resource, TaskInfo, TaskStatus } from '../../mesos/messages.js';
import { messageType } from '../../mesos/schema.js';
import { documentName, type Store } from '../../state/store/store.js';
import { taskKey } from '../task/task.js';
import type { SelfRecord, TaskDocument, TaskProgress, UpdateDocument } from './documents.js';

/** What an agent must not forget, in words of its own: each kind of document in a table of the store. */
export class Records {
  constructor(readonly store: Store) {}

  /** Everything that was durable when the last agent ended. */
  recovered(): Recovered {
    const recovered: Recovered = { self: undefined, frameworks: [], tasks: [] };
    const all = this.store.recovered();
    const updates = new Map<string, UpdateDocument[]>();
    for (const [name, document] of all) {
      const [table = ''] = name.split('/', 1);
      const key = name.slice(table.length + 1);
      if (table === 'self') recovered.self = readSelf(document as SelfRecord);
      else if (table === 'framework')
        recovered.frameworks.push(parsed('mesos.v1.FrameworkInfo', document) as FrameworkInfo);
      else if (table === 'task') {
        const progress = all.get(documentName('progress', key)) as TaskProgress | undefined;
        if (progress !== undefined)
          recovered.tasks.push({ document: readTask(document as TaskDocument), progress, updates: [] });
      } else if (table === 'update') {
        const task = key.slice(0, key.lastIndexOf('/'));
        const theirs = updates.get(task) ?? [];
        theirs.push(readUpdate(document as UpdateDocument));
        updates.set(task, theirs);
      }
    }
    for (const { document, updates: theirs } of recovered.tasks)
      theirs.push(
        ...(updates.get(taskKey(document.framework_id, document.info.task_id.value)) ?? []).sort(
          (a, b) => a.number - b.number,
        ),
      );
    return recovered;
  }

  putSelf(self: SelfRecord): void {
    const { resources, ...rest } = self;
    this.store.put('self', 'self', {
      ...rest,
      ...(resources !== undefined && {
        resources: resources.map((each) => plain('mesos.v1.Resource', each)),
      }),
    });
  }

  putFramework(id: string, info: FrameworkInfo): void {
    this.store.put('framework', id, plain('mesos.v1.FrameworkInfo', info));
  }

  deleteFramework(id: string): void {
    this.store.delete('framework', id);
  }

  putTask(key: string, document: TaskDocument): void {
    this.store.put('task', key, { ...document, info: plain('mesos.v1.TaskInfo', document.info) });
  }

  putProgress(key: string, progress: TaskProgress): void {
    this.store.put('progress', key, progress);
  }

  putUpdate(key: string, { number, status }: UpdateDocument): void {
    this.store.put('update', `${key}/${number}`, { number, status: plain('mesos.v1.TaskStatus', status) });
  }

  deleteUpdate(key: string, { number }: Pick<UpdateDocument, 'number'>): void {
    this.store.delete('update', `${key}/${number}`);
  }

  /** With its updates. */
  deleteTask(key: string, updates: readonly UpdateDocument[]): void {
    for (const update of updates) this.deleteUpdate(key, update);
    // A task without progress is none.
    this.store.delete('progress', key);
    this.store.delete('task', key);
  }

  /** Calls back once all that was put before is on the disk. */
  flushed(call: () => void): void {
    this.store.flushed(call);
  }
}

export interface Recovered {
  self: SelfRecord | undefined;
  frameworks: FrameworkInfo[];
  tasks: { document: TaskDocument; progress: TaskProgress; updates: UpdateDocument[] }[];
}

function readSelf(document: SelfRecord): SelfRecord {
  const { resources } = document;
  return resources === undefined
    ? document
    : { ...document, resources: resources.map((each) => parsed('mesos.v1.Resource', each) as Resource) };
}

function readTask(document: TaskDocument): TaskDocument {
  return { ...document, info: parsed('mesos.v1.TaskInfo', document.info) as TaskInfo };
}

function readUpdate({ number, status }: UpdateDocument): UpdateDocument {
  return { number, status: parsed('mesos.v1.TaskStatus', status) as TaskStatus };
}

/** As JSON has it: bytes in base64, infinities as texts. */
function plain<Name extends MessageName>(name: Name, message: Messages[Name]): unknown {
  return messageWriter(messageType(name))(message);
}

function parsed<Name extends MessageName>(name: Name, document: unknown): Messages[Name] {
  return storedReader(messageType(name))(document, '') as Messages[Name];
}
