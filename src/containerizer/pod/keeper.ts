import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, copyFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { metadataProgram, native } from '../../native/index.js';
import { places, type Roots } from '../../state/roots.js';
import { hasController, layoutOfHost } from '../container/cgroup-places.js';
import { launchContainer, type RunningContainer } from '../container/launch.js';
import { newId } from '../container/names.js';
import { type ContainerOptions, defaultOptions, type Volume } from '../container/options.js';
import { provideTree } from '../image/plain-tree.js';
import { encodePod } from './metadata-documents.js';
import { sweepSockets } from './neighbour-sockets.js';
import type { PodPlan } from './plan-pod.js';

/** The first container of a pod: it holds what the apps share, and answers for the metadata service. */
export interface Keeper {
  container: RunningContainer;
  id: string;
  metadataUrl: string;
  /** All apps run: from now on it ends with the last of them. Until this is said it ends with this process. */
  go(): Promise<void>;
  /** Ends it, and whatever of the pod runs already. */
  abandon(): void;
}

/** The program, in an otherwise empty root file system. */
const program = '/metadata';
/** Nobody's: it owns nothing, and holds no capability. */
const user = '65534:65534';
/** What answers so little needs no more, and a busy app cannot use what it has in its place. */
const memory = 32 << 20;
const cpus = 0.5;
const pids = 8;
/** What berth-metadata calls; nothing else answers it. */
const systemCalls = `
  accept4 arch_prctl bind brk close connect exit_group fstat futex getdents64 getpid getrandom getsockname listen lseek madvise mmap mprotect
  mremap munmap newfstatat open openat pidfd_open poll prctl prlimit64 read readlink readlinkat recvfrom rseq rt_sigaction rt_sigprocmask sendto
  set_robust_list set_tid_address shutdown signalfd4 socket umask unlink wait4 write writev
`;

export async function startKeeper(
  roots: Roots,
  plan: PodPlan,
  onWarning: (text: string) => void,
): Promise<Keeper> {
  sweepSockets(roots);
  const token = randomBytes(32).toString('base64url');
  const documents = encodePod(plan.uuid, token, plan.documents);
  const [ownInput, input] = native().streamPair();
  const [ownOutput, output] = native().streamPair();
  const said = new Socket({ fd: ownOutput, readable: true, writable: false });
  const told = new Socket({ fd: ownInput, readable: false, writable: true });
  // That nobody reads it any more is learnt from what is not answered.
  told.on('error', () => told.destroy());
  said.setEncoding('utf8').on('error', () => said.destroy());
  const id = newId();
  let container: RunningContainer;
  try {
    const root = rootFileSystem(roots);
    container = await launchContainer(roots, {
      image: { ...provideTree(root, 'berth pod'), reference: 'berth pod' },
      options: keeperOptions(roots, plan, documents.length),
      client: { stdin: input, stdout: output, stderr: output },
      id,
      onWarning,
    });
  } catch (error) {
    told.destroy();
    said.destroy();
    throw error;
  } finally {
    closeSync(input);
    closeSync(output);
  }
  const abandon = () => {
    told.destroy();
    said.destroy();
  };
  try {
    told.write(documents);
    const port = Number(await answer(said, plan.name, /^ready (\d+)\n/));
    const go = async () => {
      told.write('go\n');
      // Whoever starts it may end at once, and a supervisor that has lost its client forgets what that has sent and nobody has read.
      await answer(said, plan.name, /^(going)\n/);
      abandon();
    };
    return { container, id, metadataUrl: `http://127.0.0.1:${port}/${token}`, go, abandon };
  } catch (error) {
    abandon();
    await container.ended;
    throw error;
  }
}

function keeperOptions(roots: Roots, plan: PodPlan, documentBytes: number): ContainerOptions {
  const layout = layoutOfHost();
  return {
    ...defaultOptions,
    ...(hasController(layout, 'memory') ? { memory: memory + 2 * documentBytes } : {}),
    ...(hasController(layout, 'cpu') ? { cpus } : {}),
    ...(hasController(layout, 'pids') ? { pidsLimit: pids } : {}),
    name: plan.name,
    command: [program],
    user,
    capDrop: ['ALL'],
    readOnly: true,
    input: true,
    ipc: 'shareable',
    systemCalls: { keep: true, names: systemCalls.trim().split(/\s+/), errno: eperm },
    network: plan.network ?? defaultOptions.network,
    publish: plan.ports,
    sysctls: plan.limits.sysctls,
    ...(plan.hostname === undefined ? {} : { hostname: plan.hostname }),
    // Theirs are made with it, and go with it.
    namedVolumes: plan.emptyVolumes.map((_, i) => ({
      name: null,
      target: `/volumes/${i + 1}`,
      readonly: false,
      copy: false,
    })),
    volumes: [neighbours(roots)],
    remove: plan.remove,
    pod: { uuid: plan.uuid, name: plan.name, app: null, manifest: plan.reified },
  };
}

const eperm = 1;

/** What it says in the place of the parentheses; rejects with its own words when something else went wrong. */
function answer(said: Socket, pod: string, awaited: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const close = () =>
      reject(
        new BerthError('LAUNCH_FAILED', {
          what: `pod ${pod}`,
          why: `its metadata service did not start${text === '' ? '' : `: ${text.trim()}`}`,
        }),
      );
    const hear = (part: string) => {
      text += part;
      const found = awaited.exec(text)?.[1];
      if (found === undefined) return;
      said.off('data', hear).off('close', close);
      resolve(found);
    };
    if (said.destroyed) return close();
    said.on('data', hear).on('close', close);
  });
}

/** Where the metadata services of other pods are met: each may make a socket there, and take away none but its own. */
function neighbours(roots: Roots): Volume {
  const folder = places.podSockets(roots);
  // What lies above it is root's alone.
  mkdirSync(path.dirname(folder), { recursive: true, mode: 0o700 });
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o1777);
  return { source: folder, target: '/pods', readonly: false, recursive: false, idmap: false };
}

/** Made anew when berth has changed; who runs the old one keeps it. */
function rootFileSystem(roots: Roots): string {
  const built = statSync(metadataProgram);
  const root = path.join(places.cache(roots), 'pod', `${built.ino}-${built.size}-${built.mtimeMs}`);
  const place = path.join(root, program);
  if (statSync(place, { throwIfNoEntry: false }) !== undefined) return root;
  rmSync(path.dirname(root), { recursive: true, force: true });
  mkdirSync(root, { recursive: true, mode: 0o755 });
  const making = `${place}.${process.pid}.tmp`;
  copyFileSync(metadataProgram, making);
  renameSync(making, place);
  return root;
}
