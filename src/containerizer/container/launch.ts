import { closeSync, mkdirSync, rmSync } from 'node:fs';
import { constants, hostname as hostName } from 'node:os';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, type Launched, native, supervisorProgram } from '../../native/index.js';
import type { ImageConfig } from '../../oci-spec/image.js';
import type { RuntimeResources } from '../../oci-spec/runtime.js';
import { writeWhole } from '../../state/atomic-file.js';
import type { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import { appOptions } from '../appc/app-options.js';
import type { AppcImage } from '../appc/appc-image.js';
import { limitsSwap } from '../host/swap-accounting.js';
import type { MountedLayer } from '../image/open-layer.js';
import { findContainer, readContainer } from './catalogue.js';
import {
  type CgroupPlaces,
  cgroupPlaces,
  hasController,
  layoutOfHost,
  placesWithin,
} from './cgroup-places.js';
import { configText } from './config-text.js';
import { refuseConflicts } from './conflicts.js';
import { removeDebris } from './debris.js';
import { neededControllers, newResources } from './describe/resources.js';
import type { ContainerDocument, ExitDocument } from './document.js';
import { removeFolders, removeRunFolder } from './folders.js';
import { borrowIds, claimIds } from './id-claim.js';
import { IdFile } from './id-file.js';
import { keepRequest } from './kept-request.js';
import { describeLaunch, type LaunchDocuments, type LaunchFindings } from './launch-documents.js';
import { explainFailure, explainRefusal } from './launch-error.js';
import { lockLaunch } from './launch-lock.js';
import { checkLimits } from './limit-check.js';
import { claimName, nameInUse, newId, releaseName } from './names.js';
import { neighboursOf, refreshNeighbours } from './neighbours.js';
import { announceOnNetwork, joinNetwork, type OwnNetwork } from './network.js';
import type { ContainerOptions } from './options.js';
import { nameServiceMounts, ownFiles, sharedNameServiceMounts, writeOwnFiles } from './own-files.js';
import { findPeers } from './peers.js';
import { descriptors, followProgram, type LaunchClient, type RunningProgram } from './program.js';
import { holdScope, scopeGone, whileScopeGoes } from './scope.js';
import type { ScopeKeeper } from './scope-keeper.js';
import { removeCgroups, settle } from './settle.js';
import { supervisorLost } from './supervisor-lost.js';
import type { LaunchTimer } from './timings.js';
import { discardAnonymous, planVolumes, provideVolumes } from './volumes.js';

/**
 * The image as launching needs it; `layers` are absolute directories below the root, topmost first. `tree`: a folder below them all that is
 * anywhere, and stays as it is.
 */
export interface LaunchImage {
  reference: string;
  manifestDigest: string;
  config: ImageConfig;
  layers: string[];
  /** Those of them that are to be mounted. */
  mounted?: MountedLayer[];
  tree?: string;
  /** A policy has asked for something of it. */
  judged?: boolean;
  /** registries.conf has said which image is meant. */
  configured?: boolean;
  /** Of an App Container Image: what it asks for beside its configuration. */
  appc?: AppcImage;
}

export interface LaunchRequest {
  image: LaunchImage;
  options: ContainerOptions;
  /** Who gets the container's output while this process lives; null: the log alone. */
  client: LaunchClient | null;
  /** What it is to be called by, from `newId`; unset: a new one. Whoever chooses it can look for the container after a crash of his own. */
  id?: string;
  /** Nobody will start it again: nothing of it outlasts a restart of the host, and what it writes need not be on the disk before it ends. */
  transient?: boolean;
  /** A container that there is already, and that stays if it cannot be started. */
  again?: { id: string; name: string; createdAt: string };
  /** Told when each step began. */
  timer?: LaunchTimer;
  /** Told what is not as the caller may expect, and no reason to stop. */
  onWarning?: (text: string) => void;
  /** Told what was launched, and what of; `asked`: before anything was found out. */
  onLaunched?: (findings: LaunchFindings, documents: LaunchDocuments, asked: LaunchRequest) => void;
}

/** A container whose program runs. It lives on when this process dies. */
export interface RunningContainer extends RunningProgram {
  id: string;
}

/** Starts one container. Resolves when its program runs; rejects, with nothing left behind, when it cannot. */
export async function launchContainer(roots: Roots, request: LaunchRequest): Promise<RunningContainer> {
  requireRoot();
  const whole = withApp(request);
  return whileScopeGoes(() => launchTelling(roots, whole));
}

/** A container that there is already was told what its image asks for when it was made. */
export function withApp<T extends Pick<LaunchRequest, 'image' | 'options' | 'onWarning' | 'again'>>(
  request: T,
): T {
  const { image, options, again, onWarning = () => {} } = request;
  if (image.appc === undefined || again !== undefined) return request;
  return {
    ...request,
    options: appOptions(image.appc, options, (text) => onWarning(`image ${image.reference}: ${text}`)),
  };
}

/** The file of the id is claimed before anything is made, and there is none where there is no container. */
async function launchTelling(roots: Roots, request: LaunchRequest): Promise<RunningContainer> {
  const { idFile } = request.options;
  if (idFile === undefined) return launchOnce(roots, request);
  const file = IdFile.claim(idFile);
  let container: RunningContainer | undefined;
  try {
    container = await launchOnce(roots, request);
    file.write(container.id);
    return container;
  } catch (error) {
    file.discard();
    container?.signal(constants.signals.SIGKILL);
    await container?.ended;
    throw error;
  }
}

async function launchOnce(roots: Roots, asked: LaunchRequest): Promise<RunningContainer> {
  asked.timer?.mark('describe');
  refuseConflicts(asked.options);
  const { processes: peers, owner, networkOf, options } = findPeers(roots, asked.options);
  const request = { ...asked, options };
  const { image } = request;
  const id = request.again?.id ?? request.id ?? newId();
  const name = request.again?.name ?? options.name ?? id;
  const volumes = planVolumes(roots, id, options, image);
  const { resources, cgroup } = shareOf(roots, id, request);
  const range =
    owner !== undefined
      ? borrowIds(roots, owner)
      : options.userns === 'auto'
        ? claimIds(lowersOf(image))
        : null;
  let network: OwnNetwork | undefined;
  try {
    network = await joinNetwork(roots, id, options, image.config, networkOf);
    const { attachments } = network;
    const neighbours = attachments.length === 0 ? [] : neighboursOf(roots, { id, attachments });
    const hostname = options.uts === 'host' ? hostName() : (options.hostname ?? id);
    const files = ownFiles(options, hostname, attachments, neighbours);
    const nameService =
      networkOf === undefined
        ? nameServiceMounts(roots, id, files, options)
        : sharedNameServiceMounts(roots, networkOf, options);
    const findings: LaunchFindings = {
      ...{ id, name, createdAt: request.again?.createdAt ?? new Date().toISOString() },
      ...{ firstId: range?.first ?? null, cgroup, resources, attachments, nameService, volumes, peers },
    };
    const documents = describeLaunch(roots, request, findings);
    const { document } = documents;
    if (networkOf !== undefined && network.fd >= 0) document.holds_network = true;
    makeFolders(roots);
    const launching = await (request.again === undefined ? announce(roots, name, id) : lockLaunch(roots));
    let keeper: ScopeKeeper | undefined;
    try {
      keeper = await holdScope(cgroup);
      provideVolumes(roots, volumes);
      if (request.again !== undefined || !(options.remove || request.transient === true))
        writeDurable(roots, document, asked);
      writeOwnFiles(roots, id, files);
      request.timer?.mark('launcher');
      const started = native()
        .launch({
          ...configText(documents.config),
          launch: JSON.stringify(documents.facts),
          container: JSON.stringify(document),
          supervisor: supervisorProgram,
          idRangeFd: range?.fd ?? -1,
          heldFd: network.fd,
          launchFd: launching.descriptor,
          ...descriptors(request.client),
        })
        .catch((error) => {
          const gone = isNativeError(error) ? scopeGone(cgroup, error.errno, error.path) : undefined;
          throw gone ?? explainRefusal(error, `container ${name}`);
        });
      const running = await follow(roots, document, started, request);
      request.onLaunched?.(findings, documents, asked);
      // It runs: that others are not told of it is no reason to say that it does not.
      await announceOnNetwork(roots, document).catch((error) => warnOf(request, error));
      return running;
    } catch (error) {
      // The supervisor and the launcher clear up after themselves; this is what was made here.
      if (request.again === undefined) {
        releaseName(roots, name, id);
        discardAnonymous(roots, document);
        rmSync(places.container(roots, id), { recursive: true, force: true });
      }
      throw error;
    } finally {
      await keeper?.release();
      launching.release();
    }
  } finally {
    if (range !== null) closeSync(range.fd);
    network?.release();
  }
}

/** What its root file system consists of. */
function lowersOf({ layers, tree }: LaunchImage): string[] {
  return tree === undefined ? layers : [...layers, tree];
}

/** What it may use, and where it is counted. */
function shareOf(
  roots: Roots,
  id: string,
  request: LaunchRequest,
): { resources: RuntimeResources; cgroup: CgroupPlaces } {
  const { cgroupOf } = request.options;
  if (cgroupOf === undefined) {
    const resources = resourcesOf(request);
    return { resources, cgroup: cgroupPlaces(roots, id, neededControllers(resources)) };
  }
  const { document, state } = findContainer(roots, cgroupOf);
  if (state !== 'running')
    throw new BerthError('CONTAINER_STATE', { what: `container ${cgroupOf}`, why: 'it is not running' });
  return { resources: {}, cgroup: placesWithin(document.cgroup_places, id) };
}

/** What was asked for, as this host can be asked for it. */
export function resourcesOf({ options, onWarning }: LaunchRequest): RuntimeResources {
  const layout = layoutOfHost();
  const swap = options.memory !== undefined && limitsSwap(layout);
  if (options.memory !== undefined && options.memorySwap === undefined && !swap)
    onWarning?.('this kernel cannot limit swap: memory is limited without it');
  return newResources(checkLimits(options), {
    has: (name) => hasController(layout, name),
    limitsSwap: swap,
  });
}

/** Takes the name, if need be from a launcher that was killed, and says that the container is on its way. */
export async function announce(roots: Roots, name: string, id: string, what?: string): Promise<FileLock> {
  for (let lastTry = false; ; lastTry = true) {
    const launching = await lockLaunch(roots);
    try {
      // An id is nobody else's anyway.
      if (name === id || claimName(roots, name, id, what)) return launching;
    } catch (error) {
      launching.release();
      throw error;
    }
    launching.release();
    if (lastTry || !removeDebris(roots)) throw nameInUse(roots, name);
  }
}

export function requireRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new BerthError('NOT_ROOT', {
    what: 'run',
    why: 'containers are started by root',
    mend: 'Run berth as root.',
  });
}

const made = new Set<string>();

/** Once in each process: they are never removed. */
export function makeFolders(roots: Roots): void {
  const key = `${roots.root}\0${roots.state}`;
  if (made.has(key)) return;
  made.add(key);
  for (const folder of [places.running(roots), places.containers(roots), places.cache(roots)]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
}

/** Containers that stay after their end are known after a restart of the host too. */
export function writeDurable(
  roots: Roots,
  document: ContainerDocument,
  request: LaunchRequest,
  before: () => void = () => {},
): void {
  const folder = places.container(roots, document.id);
  if (request.again === undefined) {
    mkdirSync(folder, { mode: 0o700 });
    keepRequest(roots, document.id, request);
    before();
  }
  writeWhole(path.join(folder, 'container.json'), JSON.stringify(document));
}

function warnOf({ onWarning }: Pick<LaunchRequest, 'onWarning'>, error: unknown): void {
  onWarning?.(`its neighbours know nothing of it: ${error instanceof Error ? error.message : String(error)}`);
}

/** Waits on the leash for the program to run, and goes on listening for its end. */
async function follow(
  roots: Roots,
  document: ContainerDocument,
  started: Promise<Launched>,
  { client, timer, image, again, onWarning = () => {} }: LaunchRequest,
): Promise<RunningContainer> {
  const { id } = document;
  const followed = await followProgram(started, {
    ...(client?.tell === undefined ? {} : { tell: client.tell }),
    ...(timer === undefined ? {} : { timer }),
    lost: () => endOfLost(roots, id),
  });
  if (followed.kind === 'runs') {
    timer?.mark('running');
    const { program } = followed;
    const ended = program.ended.then(async (exit) => {
      await refreshNeighbours(roots, document).catch((error) => warnOf({ onWarning }, error));
      return exit;
    });
    return {
      id,
      ...program,
      ended,
      gone: ended.then(
        () => program.gone,
        () => program.gone,
      ),
    };
  }
  if (followed.kind === 'failed') {
    const { failure } = followed;
    const gone = scopeGone(document.cgroup_places, failure.errno, failure.subject);
    throw gone ?? explainFailure(failure, image.reference);
  }
  // Killed: it could not clear up.
  removeCgroups({ document });
  if (again === undefined) {
    // Before the record that names them: whoever finds that heals the rest.
    discardAnonymous(roots, document);
    removeFolders(roots, document);
  } else removeRunFolder(roots, id);
  throw silentSupervisor(id);
}

export function silentSupervisor(id: string): BerthError {
  return new BerthError('LAUNCH_FAILED', {
    what: `container ${id}`,
    why: 'its supervisor ended without a word',
  });
}

/** A supervisor that was killed cannot tell of the end; what it leaves is settled here. */
export function endOfLost(roots: Roots, id: string): ExitDocument {
  const left = readContainer(roots, id);
  return (left === undefined ? undefined : settle(roots, left).exit) ?? supervisorLost();
}
