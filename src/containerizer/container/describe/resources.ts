import type { DeviceRate, RuntimeResources } from '../../../oci-spec/runtime.js';
import type { ContainerDocument } from '../document.js';
import type { CheckedLimits } from '../limit-check.js';
import * as defaults from './defaults.js';

/** What a limit may depend on. */
export interface ResourceFacts {
  /** Does the host have that controller for containers? */
  has(controller: string): boolean;
  /** Can it limit swap? */
  limitsSwap: boolean;
}

/** `--cpus` is a quota in periods of this length, in microseconds: the kernel's default. */
const usualPeriod = 100_000;

/** `linux.resources` of a new container. */
export function newResources(limits: CheckedLimits, facts: ResourceFacts): RuntimeResources {
  const pidsLimit = limits.pidsLimit ?? (facts.has('pids') ? defaults.defaultPidsLimit : -1);
  const base: RuntimeResources = facts.has('devices') ? { devices: defaults.deviceRules } : {};
  const { pids, ...changed } = changedResources(base, { ...limits, pidsLimit }, facts);
  // Nothing to write where nothing is limited.
  return pids === undefined || pids.limit < 0 ? changed : { ...changed, pids };
}

/** Resources with some limits set anew; what is not said stays. */
export function changedResources(
  before: RuntimeResources,
  limits: CheckedLimits,
  facts: Pick<ResourceFacts, 'limitsSwap'>,
): RuntimeResources {
  const blockIO = { ...before.blockIO, ...blockLimits(limits, before.blockIO) };
  const unified = { ...before.unified, ...limits.cgroupConf };
  const own: RuntimeResources = {
    ...before,
    ...optional('memory', { ...before.memory, ...memoryLimits(limits, before.memory, facts) }),
    ...optional('cpu', { ...before.cpu, ...cpuLimits(limits) }),
    ...(limits.pidsLimit === undefined ? {} : { pids: { limit: limits.pidsLimit } }),
    ...optional('blockIO', blockIO),
    ...optional('unified', unified),
  };
  return overlaid(own, limits.resources ?? {});
}

function memoryLimits(
  limits: CheckedLimits,
  before: RuntimeResources['memory'],
  facts: Pick<ResourceFacts, 'limitsSwap'>,
): RuntimeResources['memory'] {
  const { memory, memorySwap, memoryReservation, memorySwappiness, oomKillDisable } = limits;
  // As Docker has it: as much swap as memory, unless something else was said.
  const usual = memory !== undefined && memory > 0 && before?.swap === undefined && facts.limitsSwap;
  const swap = memorySwap ?? (usual ? memory * 2 : undefined);
  return {
    ...said('limit', memory),
    ...said('swap', swap),
    ...said('reservation', memoryReservation),
    ...said('swappiness', memorySwappiness),
    ...said('disableOOMKiller', oomKillDisable === true ? true : undefined),
  };
}

function cpuLimits(limits: CheckedLimits): NonNullable<RuntimeResources['cpu']> {
  const { cpus, cpuQuota, cpuPeriod, cpuShares, cpusetCpus, cpusetMems } = limits;
  return {
    ...said('shares', cpuShares),
    ...(cpus === undefined ? {} : { quota: Math.round(cpus * usualPeriod), period: usualPeriod }),
    ...said('quota', cpuQuota),
    ...said('period', cpuPeriod),
    ...said('cpus', cpusetCpus),
    ...said('mems', cpusetMems),
  };
}

const throttles = {
  rbps: 'throttleReadBpsDevice',
  wbps: 'throttleWriteBpsDevice',
  riops: 'throttleReadIOPSDevice',
  wiops: 'throttleWriteIOPSDevice',
} as const;

function blockLimits(
  { io = [], blkioWeight }: CheckedLimits,
  before: RuntimeResources['blockIO'],
): NonNullable<RuntimeResources['blockIO']> {
  const limits: NonNullable<RuntimeResources['blockIO']> = { ...said('weight', blkioWeight) };
  for (const [key, member] of Object.entries(throttles) as [keyof typeof throttles, DeviceMember][]) {
    const rates = new Map<string, DeviceRate>();
    for (const rate of before?.[member] ?? []) rates.set(`${rate.major}:${rate.minor}`, rate);
    const given = io.filter((each) => each[key] !== undefined);
    for (const { major, minor, [key]: rate = 0 } of given)
      rates.set(`${major}:${minor}`, { major, minor, rate });
    if (given.length > 0) limits[member] = [...rates.values()];
  }
  return limits;
}

type DeviceMember = (typeof throttles)[keyof typeof throttles];

/** Objects member by member, anything else as a whole. */
function overlaid(below: RuntimeResources, above: RuntimeResources): RuntimeResources {
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = result[key];
    const both = [old, value].every(
      (each) => typeof each === 'object' && each !== null && !Array.isArray(each),
    );
    result[key] = both ? { ...(old as object), ...(value as object) } : value;
  }
  return result;
}

function said<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value });
}

/** A section only if it says something. */
function optional<Key extends string, Section extends object>(
  key: Key,
  section: Section,
): { [K in Key]?: Section } {
  return Object.keys(section).length === 0 ? {} : ({ [key]: section } as { [K in Key]?: Section });
}

/** The limits that `ps` and `inspect` tell first; null: none. */
export function limitsOf({ memory, pids, cpu }: RuntimeResources): ContainerDocument['limits'] {
  const period = cpu?.period ?? usualPeriod;
  const given = (amount: number | undefined) => (amount === undefined || amount < 0 ? null : amount);
  const quota = given(cpu?.quota);
  return {
    memory: given(memory?.limit),
    pids: given(pids?.limit),
    cpus: quota === null ? null : quota / period,
  };
}

/** The v1 hierarchies that these resources need besides those that every container is in. */
export function neededControllers({
  cpu = {},
  blockIO,
  hugepageLimits,
  network,
}: RuntimeResources): Set<string> {
  const { cpus, mems, ...time } = cpu;
  const needed = new Set<string>();
  if (Object.keys(time).length > 0) needed.add('cpu');
  if (cpus !== undefined || mems !== undefined) needed.add('cpuset');
  if (blockIO !== undefined) needed.add('blkio');
  if (hugepageLimits !== undefined) needed.add('hugetlb');
  if (network?.classID !== undefined) needed.add('net_cls');
  if (network?.priorities !== undefined) needed.add('net_prio');
  return needed;
}
