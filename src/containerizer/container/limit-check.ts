import { BerthError } from '../../errors/berth-error.js';
import { type DeviceNumber, findDisk } from '../host/block-device.js';
import { readKernelFile } from '../host/kernel-file.js';
import { parseNumberList } from '../host/number-list.js';
import type { IoLimit, ResourceLimits } from './limits.js';

/** Limits that this host can be asked for, disks by number. */
export interface CheckedLimits extends Omit<ResourceLimits, 'io'> {
  io?: (IoLimit & DeviceNumber)[];
}

/** Finds what can be seen to be wrong before anything is made. Throws a USAGE error that names the flag. */
export function checkLimits(limits: ResourceLimits): CheckedLimits {
  const { memory, memorySwap, memoryReservation, cpus, cpuQuota, cpuPeriod } = limits;
  if (memorySwap !== undefined && memorySwap >= 0) {
    if (memory === undefined || memory < 0) {
      throw wrong('--memory-swap', 'it counts memory and swap together', 'Give --memory too.');
    }
    if (memorySwap < memory) {
      throw wrong(
        `--memory-swap ${memorySwap}`,
        `it counts memory and swap together, and --memory alone is ${memory}`,
        'Give the same for no swap, more for some, -1 for any.',
      );
    }
  }
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
