import { rmSync } from 'node:fs';
import { places, type Roots } from '../../state/roots.js';
import { tellContainer } from '../events/tell.js';
import { cgroupPlaces } from './cgroup-places.js';
import { refuseConflicts } from './conflicts.js';
import { capabilities } from './describe/privileges.js';
import { commandLine } from './describe/process.js';
import { neededControllers } from './describe/resources.js';
import { IdFile } from './id-file.js';
import { markNeverStarted } from './kept-request.js';
import {
  announce,
  type LaunchRequest,
  makeFolders,
  requireRoot,
  resourcesOf,
  withApp,
  writeDurable,
} from './launch.js';
import { documentOf } from './launch-documents.js';
import { newId, releaseName } from './names.js';
import { planVolumes } from './volumes.js';

/**
 * Makes a container that waits to be started: its name is claimed, what it was asked to be is kept, and nothing of it runs. It outlasts a restart of the
 * host. What belongs to a run (ids, addresses, cgroups) is claimed when it is started.
 */
export async function createContainer(
  roots: Roots,
  asked: Pick<LaunchRequest, 'image' | 'options' | 'onWarning'>,
): Promise<{ id: string; name: string }> {
  requireRoot();
  const request = withApp(asked);
  const { options, image } = request;
  refuseConflicts(options);
  const id = newId();
  const name = options.name ?? id;
  const idFile = options.idFile === undefined ? undefined : IdFile.claim(options.idFile);
  try {
    const whole: LaunchRequest = { ...request, client: null };
    const resources = resourcesOf(whole);
    capabilities(options, undefined);
    const command = commandLine(image.config, options);
    const cgroup = cgroupPlaces(roots, id, neededControllers(resources));
    const volumes = planVolumes(roots, id, options, image);
    const createdAt = new Date().toISOString();
    const document = documentOf(
      ...([id, name, createdAt, whole, command, resources, null, cgroup] as const),
      [],
      volumes,
    );
    makeFolders(roots);
    const launching = await announce(roots, name, id);
    try {
      // The mark before the document: by that one others know the container.
      writeDurable(roots, document, whole, () => markNeverStarted(roots, id, true));
      idFile?.write(id);
      tellContainer(roots, document, 'create');
      return { id, name };
    } catch (error) {
      releaseName(roots, name, id);
      rmSync(places.container(roots, id), { recursive: true, force: true });
      throw error;
    } finally {
      launching.release();
    }
  } catch (error) {
    idFile?.discard();
    throw error;
  }
}
