import { existsSync, realpathSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { agentSocket } from '../../agent/api/api.js';
import { checkAgentConfig } from '../../agent/check.js';
import { defaultConfig as agentDefaults } from '../../agent/config.js';
import { endTasks, type RunningTask, tasksThatRun } from '../../agent/inspection/tasks-that-run.js';
import { agentSettings } from '../../agent/settings.js';
import { BerthError } from '../../errors/berth-error.js';
import { bytes } from '../../inspect/quantity.js';
import { buildOnDisk, installationFolder } from '../../installation.js';
import { checkMasterConfig } from '../../master-lite/check.js';
import { defaultConfig as masterDefaults } from '../../master-lite/config.js';
import { masterSocket } from '../../master-lite/master.js';
import { masterSettings } from '../../master-lite/settings.js';
import { install } from '../../service/install.js';
import { agentService, masterService } from '../../service/kinds.js';
import { serviceStatus, versionOnDisk } from '../../service/status.js';
import { needSystemd } from '../../service/systemd.js';
import { installed, uninstall } from '../../service/uninstall.js';
import { type ServiceKind, unitFile, unitText } from '../../service/unit.js';
import { othersWrite } from '../../service/writable.js';
import type { Roots } from '../../state/roots.js';
import { report } from '../report.js';
import { documentsOf, type Members } from './service-documents.js';
import { statusText } from './status-text.js';

export type Daemon = ServiceKind['daemon'];

/** What installing an agent and a master differ in. */
interface Service {
  kind: ServiceKind;
  socket(roots: Roots): string;
  sample(given: Members): string;
  examine(roots: Roots, file: string | undefined, given: Members): void;
  /** What runs for it, and goes on without it. */
  tasks(roots: Roots, config: string): RunningTask[];
  endTasks(roots: Roots, config: string): Promise<void>;
  /** Its state, which nobody else uses. */
  folders(roots: Roots, config: string): string[];
}

const damaged = (error: BerthError) => report(error, 'uninstall');

const agentDocuments = documentsOf(agentSettings, agentDefaults, checkAgentConfig);
const masterDocuments = documentsOf(
  masterSettings,
  (roots) => ({ ...masterDefaults, hostname: hostname(), folder: path.join(roots.root, 'master') }),
  checkMasterConfig,
);

const services: Record<Daemon, Service> = {
  agent: {
    kind: agentService,
    socket: agentSocket,
    sample: agentDocuments.sample,
    examine: agentDocuments.examine,
    tasks: (roots, config) => tasksThatRun(roots, agentDocuments.known(roots, config).sandboxes, damaged),
    endTasks: (roots, config) => endTasks(roots, agentDocuments.known(roots, config).sandboxes, damaged),
    folders(roots, config) {
      const { folder, sandboxes } = agentDocuments.known(roots, config);
      return [folder, sandboxes, path.dirname(agentSocket(roots))];
    },
  },
  master: {
    kind: masterService,
    socket: masterSocket,
    sample: masterDocuments.sample,
    examine: masterDocuments.examine,
    tasks: () => [],
    endTasks: async () => {},
    folders: (roots) => [path.join(roots.root, 'master'), path.dirname(masterSocket(roots))],
  },
};

/** How a verb is answered. */
interface Answering {
  roots: Roots;
  json: boolean;
  out(text: string): void;
  note(text: string): void;
}

export interface InstallRequest extends Answering {
  config: string;
  /** What flags say, as the file would have it. */
  given: Members;
  /** Only show what would be written. */
  print: boolean;
}

/** Reports its own failures, as all that is bundled here. */
async function reporting(what: string, run: () => Promise<number> | number): Promise<number> {
  try {
    return await run();
  } catch (error) {
    return report(error, what);
  }
}

export const installDaemon = (daemon: Daemon, request: InstallRequest): Promise<number> =>
  reporting(`${daemon} install`, async () => {
    const { roots, config, given, json, print, out, note } = request;
    const { kind, socket, sample, examine } = services[daemon];
    if (!print) {
      needSystemd(`${daemon} install`, `Have the host's own init run berth ${daemon} --config ${config}.`);
      needRoot(`${daemon} install`);
    }
    const there = existsSync(config);
    examine(roots, there ? config : undefined, given);
    const installation = { roots, config, node: process.execPath, folder: realpathSync(installationFolder) };
    if (print) {
      const unit = `# ${unitFile(kind)}\n${unitText(kind, installation)}`;
      out(there ? unit : `${unit}\n# ${config}\n${sample(given)}`);
      return 0;
    }
    for (const place of othersWrite([installation.node, installation.folder]))
      note(`berth: ${place} is not root's alone, and what lies in it will run as root`);
    const { outcome, self } = await install({
      ...{ kind, installation, note },
      sample: sample(given),
      socket: socket(roots),
      build: buildOnDisk(),
    });
    if (json) out(`${JSON.stringify({ outcome, config, self })}\n`);
    else out(`berth-${daemon}.service: ${outcome}, pid ${self.pid}, version ${self.version}\n`);
    return 0;
  });

export interface UninstallRequest extends Answering {
  force: boolean;
  purge: boolean;
  config: string;
}

export const uninstallDaemon = (daemon: Daemon, request: UninstallRequest): Promise<number> =>
  reporting(`${daemon} uninstall`, async () => {
    const { force, purge, json, out } = request;
    const { kind, folders, tasks: tasksOf, endTasks } = services[daemon];
    needSystemd(`${daemon} uninstall`, `End berth ${daemon} as it was started.`);
    needRoot(`${daemon} uninstall`);
    const { roots, config } = installed(kind) ?? request;
    const tasks = tasksOf(roots, config);
    if (tasks.length > 0 && !force) throw stillRunning(daemon, tasks, purge);
    const done = await uninstall(kind);
    // Not while there is an agent that would tell how they ended.
    if (purge && tasks.length > 0) await endTasks(roots, config);
    const removed = purge ? removeAll([...folders(roots, config), config]) : [];
    if (json) {
      out(`${JSON.stringify({ unit: done, tasks, tasks_ended: purge, removed })}\n`);
      return 0;
    }
    out(`berth-${daemon}.service: ${done ? 'uninstalled' : 'is not installed'}\n`);
    if (tasks.length > 0) out(`${purge ? 'ended' : 'without an agent'}: ${names(tasks)}\n`);
    for (const each of removed) out(`removed ${each}\n`);
    return 0;
  });

function removeAll(places: readonly string[]): string[] {
  const there = places.filter((each) => existsSync(each));
  for (const each of there) rmSync(each, { recursive: true, force: true });
  return there;
}

function stillRunning(daemon: Daemon, tasks: readonly RunningTask[], purge: boolean): BerthError {
  return new BerthError('SERVICE_FAILED', {
    what: `${daemon} uninstall`,
    why: `${tasks.length === 1 ? 'a task runs' : `${tasks.length} tasks run`} here: ${names(tasks)}`,
    mend: purge
      ? 'Drain the host first (berth node drain), or end them with --force --purge.'
      : 'Drain the host first (berth node drain). With --force they run on without an agent: berth agent install takes them up again, berth rm -f ends them.',
  });
}

const mostNames = 5;

const names = (tasks: readonly RunningTask[]) =>
  `${tasks
    .slice(0, mostNames)
    .map(({ name }) => name)
    .join(', ')}${tasks.length > mostNames ? ', …' : ''}`;

export const daemonStatus = (daemon: Daemon, { roots: given, json, out, note }: Answering): Promise<number> =>
  reporting(`${daemon} status`, async () => {
    const { kind, socket } = services[daemon];
    const there = installed(kind);
    const { roots, folder } = there ?? { roots: given, folder: installationFolder };
    const disk = { version: versionOnDisk(folder), build: buildOnDisk(folder) };
    const status = await serviceStatus(kind, there, socket(roots), disk);
    if (status.self === null && process.geteuid?.() !== 0)
      note(`berth: ${daemon} status: the ${daemon} itself answers root alone`);
    out(json ? `${JSON.stringify(status)}\n` : statusText(daemon, status, bytes));
    return status.self === null ? 1 : 0;
  });

function needRoot(what: string): void {
  if (process.geteuid?.() === 0) return;
  throw new BerthError('NOT_ROOT', { what, why: 'units are root’s', mend: 'Run berth as root.' });
}
