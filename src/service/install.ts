import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '../errors/berth-error.js';
import type { Self } from '../http/self.js';
import { writeWhole } from '../state/atomic-file.js';
import { askSelf } from './ask-self.js';
import { journalOf, systemctl, unitState } from './systemd.js';
import { type Installation, readUnit, type ServiceKind, unitFile, unitName, unitText } from './unit.js';

export interface InstallRequest {
  kind: ServiceKind;
  installation: Installation;
  /** Of the configuration, where there is no file yet. */
  sample: string;
  /** Where it answers root on this host. */
  socket: string;
  /** Of the code that is installed; undefined: it cannot be told apart from another. */
  build: string | undefined;
  note(text: string): void;
}

/** `installed`, `upgraded` (with other code, unit or configuration), `started` (it was not running) or `unchanged`. */
export type Installed = { outcome: 'installed' | 'upgraded' | 'started' | 'unchanged'; self: Self };

/** Lines of the journal that tell why it did not come up. */
const told = 20;

/**
 * Puts a daemon under systemd and sees to it that it comes up. Nothing is done a second time; a daemon that runs is only ended where it would run otherwise from now on. What a first
 * installation has written is taken away when it fails.
 */
export async function install(request: InstallRequest): Promise<Installed> {
  const { kind, installation, sample, socket, build } = request;
  const unit = unitName(kind);
  const file = unitFile(kind);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (before !== undefined) refuseOther(kind, before, installation);
  const text = unitText(kind, installation);
  const ownConfig = !existsSync(installation.config);
  try {
    mkdirSync(path.join(installation.roots.root, kind.daemon), { recursive: true, mode: 0o700 });
    if (ownConfig) {
      mkdirSync(path.dirname(installation.config), { recursive: true, mode: 0o755 });
      writeWhole(installation.config, sample);
      chmodSync(installation.config, 0o600);
    }
    if (before !== text) {
      writeWhole(file, text);
      chmodSync(file, 0o644);
    }
    const state = await unitState(unit);
    if (before !== text || state.stale) await systemctl('daemon-reload');
    if (state.enabled !== 'enabled') await systemctl('enable', '--quiet', unit);
    const running = state.active === 'active' ? await askSelf(socket) : undefined;
    const same = before === text && running?.build === (build ?? null);
    if (running !== undefined && same && !newer(installation.config, running))
      return { outcome: 'unchanged', self: running };
    // It waits until the daemon says that it is ready (Type=notify), or has failed.
    await systemctl('restart', unit);
    const self = await up(unit, socket);
    const outcome =
      before === undefined ? 'installed' : running === undefined && before === text ? 'started' : 'upgraded';
    return { outcome, self };
  } catch (error) {
    for (const line of before === text || existsSync(file) ? await journalOf(unit, told) : [])
      request.note(`  ${line}`);
    if (before === undefined) await undo(kind, ownConfig ? installation.config : undefined);
    throw error;
  }
}

/** One unit cannot be of two roots: tasks of the first would have no agent. */
function refuseOther(kind: ServiceKind, text: string, { roots, config }: Installation): void {
  const { daemon } = kind;
  const there = readUnit(text);
  if (there === undefined)
    throw new BerthError('USAGE', {
      what: unitFile(kind),
      why: `berth ${daemon} install did not write it`,
      mend: 'Move it away.',
    });
  const same = there.roots.root === roots.root && there.roots.state === roots.state;
  if (same && there.config === config) return;
  throw new BerthError('USAGE', {
    what: `${daemon} install`,
    why: `${unitName(kind)} is installed with --root ${there.roots.root} --state ${there.roots.state} --config ${there.config}`,
    mend: `Name the same, or run berth ${daemon} uninstall first.`,
  });
}

/** The configuration has been written since the daemon read it. */
function newer(config: string, { started_at }: Self): boolean {
  return statSync(config).mtimeMs > Date.parse(started_at);
}

/** Milliseconds: it has said that it is ready, so this is only until it is asked. */
const patience = 30_000;

async function up(unit: string, socket: string): Promise<Self> {
  for (const end = Date.now() + patience; ; await sleep(100)) {
    const self = await askSelf(socket);
    if (self !== undefined) return self;
    if (Date.now() > end)
      throw new BerthError('SERVICE_FAILED', {
        what: unit,
        why: `it runs, and nobody answers at ${socket}`,
        mend: `See journalctl -u ${unit}.`,
      });
  }
}

/** What the first installation has made. */
async function undo(kind: ServiceKind, config: string | undefined): Promise<void> {
  await removeUnit(kind);
  if (config !== undefined) rmSync(config, { force: true });
}

/** Ends the daemon, and systemd knows nothing of it any more. */
export async function removeUnit(kind: Pick<ServiceKind, 'daemon'>): Promise<void> {
  const unit = unitName(kind);
  const { load, active, enabled } = await unitState(unit);
  if (load !== 'not-found' && active !== 'inactive') await systemctl('stop', unit);
  if (enabled === 'enabled') await systemctl('disable', '--quiet', unit);
  rmSync(unitFile(kind), { force: true });
  await systemctl('daemon-reload');
  // What failed is remembered by its name alone.
  if (active === 'failed') await systemctl('reset-failed', unit).catch(() => {});
}
