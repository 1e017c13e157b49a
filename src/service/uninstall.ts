import { existsSync, readFileSync } from 'node:fs';
import { removeUnit } from './install.js';
import { type Installation, readUnit, type ServiceKind, unitFile } from './unit.js';

/** What is installed; undefined: nothing. */
export function installed(kind: Pick<ServiceKind, 'daemon'>): Installation | undefined {
  const file = unitFile(kind);
  return existsSync(file) ? readUnit(readFileSync(file, 'utf8')) : undefined;
}

/** Ends a daemon for good. Tasks run on. False: there was none. */
export async function uninstall(kind: Pick<ServiceKind, 'daemon'>): Promise<boolean> {
  const there = existsSync(unitFile(kind));
  await removeUnit(kind);
  return there;
}
