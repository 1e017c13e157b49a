import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Self } from '../http/self.js';
import { askSelf } from './ask-self.js';
import { hasSystemd, type UnitState, unitState } from './systemd.js';
import { type Installation, type ServiceKind, unitName } from './unit.js';

/** A daemon as `status` tells of it. */
export interface ServiceStatus {
  unit: string;
  /** null: systemd does not run this host. */
  state: UnitState | null;
  installed: boolean;
  config: string | null;
  /** On the disk, where the unit finds it; null: there is none. */
  version_on_disk: string | null;
  /** Whether other code lies on the disk than runs; null: nobody can tell. */
  outdated: boolean | null;
  /** As the daemon itself says; null: nobody answers. */
  self: Self | null;
}

export interface Disk {
  version: string | undefined;
  build: string | undefined;
}

export async function serviceStatus(
  kind: Pick<ServiceKind, 'daemon'>,
  installation: Installation | undefined,
  socket: string,
  disk: Disk,
): Promise<ServiceStatus> {
  const unit = unitName(kind);
  const [state, self] = await Promise.all([
    hasSystemd() ? unitState(unit) : Promise.resolve(null),
    askSelf(socket),
  ]);
  const told = self !== undefined && disk.build !== undefined && self.build !== null;
  return {
    unit,
    state,
    installed: installation !== undefined,
    config: installation?.config ?? null,
    version_on_disk: disk.version ?? null,
    outdated: told ? self.build !== disk.build : null,
    self: self ?? null,
  };
}

/** Of a folder that berth is in. */
export function versionOnDisk(folder: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
      version?: unknown;
    };
    return typeof version === 'string' ? version : undefined;
  } catch {
    // It has been moved away, or is being exchanged.
    return undefined;
  }
}
