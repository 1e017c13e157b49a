import type { RuntimeDevice, RuntimeResources } from '../../../oci-spec/runtime.js';
import type { DeviceRule } from '../options.js';
import type { DescribeFacts } from './config.js';
import * as defaults from './defaults.js';

/** A device of the host that the container is given. */
export interface HostDevice {
  /** In the container. */
  path: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
  mode: number;
  uid: number;
  gid: number;
  /** Letters of `rwm`. */
  access: string;
}

/** The nodes in /dev: those that every container has, and those that were asked for, which go before. */
export function deviceNodes({ devices = [], idRange }: DescribeFacts): RuntimeDevice[] {
  const asked = new Map<string, RuntimeDevice>();
  for (const { path, type, major, minor, mode, uid, gid } of devices) {
    // An owner that the container has no id for is nobody inside; root can use the device all the same.
    const known = (id: number) => (idRange === null || id < idRange.size ? id : 0);
    asked.set(path, { path, type, major, minor, fileMode: mode, uid: known(uid), gid: known(gid) });
  }
  return [...defaults.devices.filter(({ path }) => !asked.has(path)), ...asked.values()];
}

/** Which devices may be used; the last rule that fits decides. */
export function deviceRules({
  options,
  devices = [],
  idRange,
}: DescribeFacts): NonNullable<RuntimeResources['devices']> {
  const own = devices.map(({ type, major, minor, access }) => ({ allow: true, type, major, minor, access }));
  const asked = options.deviceRules.map((rule: DeviceRule) => ({ allow: true, ...rule }));
  const everything = options.privileged && idRange === null ? [{ allow: true, access: 'rwm' }] : [];
  return [...defaults.deviceRules, ...own, ...asked, ...everything];
}
