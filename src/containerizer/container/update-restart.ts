import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { writeWhole } from '../../state/atomic-file.js';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import { tellContainer } from '../events/tell.js';
import type { RestartPolicy } from '../keeping/wishes.js';
import type { Container } from './catalogue.js';
import { readRecord } from './container-record.js';
import { changeRequest } from './kept-request.js';

/** Changes when a container is started again, whether it runs or not. */
export async function updateRestart(
  roots: Roots,
  { document: changed }: Container,
  policy: RestartPolicy,
): Promise<void> {
  const { id, name } = changed;
  if (changed.remove)
    throw new BerthError('USAGE', {
      what: `container ${name}`,
      why: '--rm leaves nothing of it to be started again',
    });
  const restart = policy.name === 'no' ? undefined : policy;
  // One change at a time: each starts from what the last has written.
  const lock = await FileLock.take(path.join(roots.root, 'update.lock'));
  try {
    changeRequest(roots, id, (options) => ({ ...options, restart }));
    for (const folder of [places.container(roots, id), places.run(roots, id)]) {
      const record = path.join(folder, 'container.json');
      const document = readRecord(record);
      if (document !== undefined) writeWhole(record, JSON.stringify({ ...document, restart }));
    }
    tellContainer(roots, changed, 'update', { restart: policy });
  } finally {
    lock.release();
  }
}
