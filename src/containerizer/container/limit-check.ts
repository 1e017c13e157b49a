import { BerthError } from '../../errors/berth-error.js';
import type { RuntimeResources } from '../../oci-spec/runtime.js';
import { type DeviceNumber, findDisk } from '../host/block-device.js';
import { readKernelFile } from '../host/kernel-file.js';
import { parseNumberList } from '../host/number-list.js';
import type { IoLimit, ResourceLimits } from './limits.js';

/** Limits that this host can be asked for, disks by number. */
export interface CheckedLimits extends Omit<ResourceLimits, 'io'> {
  io?: (IoLimit & DeviceNumber)[];
}

/**
 * Finds what can be seen to be wrong before anything is made or changed; `before`: what they change. Throws a USAGE error that names the flag.
 */
export function checkLimits(limits: ResourceLimits, before: RuntimeResources = {}): CheckedLimits {
  const { memoryReservation, cpus, cpuQuota, cpuPeriod } = limits;
  const memory = limits.memory ?? before.memory?.limit;
  checkSwap(limits, memory, before.memory?.swap);
  if (memoryReservation !== undefined && memory !== undefined && memory > 0 && memoryReservation > memory) {
    throw wrong(
      `--memory-reservation ${memoryReservation}`,
      `it is above --memory, which is ${memory}`,
      'Give less.',
    );
  }
  if (cpus !== undefined && (cpuQuota !== undefined || cpuPeriod !== undefined)) {
    throw wrong(
      '--cpus',
      'it is a quota and a period itself',
      'Give --cpus, or --cpu-quota and --cpu-period.',
    );
  }
  checkNumbers('--cpuset-cpus', limits.cpusetCpus, '/sys/devices/system/cpu/online', 'CPUs');
  checkNumbers('--cpuset-mems', limits.cpusetMems, '/sys/devices/system/node/online', 'memory nodes');
  const { io, ...rest } = limits;
  if (io === undefined) return rest;
  return { ...rest, io: io.map((each) => ({ ...each, ...findDisk(each.device, 'I/O limit on') })) };
}

function checkSwap(limits: ResourceLimits, memory: number | undefined, earlier: number | undefined): void {
  const swap = limits.memorySwap ?? earlier;
  if (swap === undefined || swap < 0) return;
  if (memory === undefined || memory < 0) {
    throw wrong('--memory-swap', 'it counts memory and swap together', 'Give --memory too.');
  }
  if (swap >= memory) return;
  if (limits.memorySwap === undefined) {
    throw wrong(
      `--memory ${memory}`,
      `memory and swap together are limited to ${swap}, which is less`,
      'Give --memory-swap too.',
    );
  }
  throw wrong(
    `--memory-swap ${swap}`,
    `it counts memory and swap together, and --memory alone is ${memory}`,
    'Give the same for no swap, more for some, -1 for any.',
  );
}

function checkNumbers(flag: string, list: string | undefined, file: string, what: string): void {
  if (list === undefined) return;
  const wanted = parseNumberList(list);
  if (wanted === undefined)
    throw wrong(`${flag} ${list}`, 'it is no list of numbers', 'Give one such as 0-2,7.');
  // A kernel without NUMA has one node.
  const online = readKernelFile(file)?.trim() ?? '0';
  const there = new Set(parseNumberList(online));
  const missing = wanted.find((number) => !there.has(number));
  if (missing !== undefined) {
    throw wrong(
      `${flag} ${list}`,
      `${missing} is not one of the ${what} of this host: ${online}`,
      'Choose among those.',
    );
  }
}

function wrong(what: string, why: string, mend: string): BerthError {
  return new BerthError('USAGE', { what, why, mend });
}
