import type { Resource, ValueRange } from '../messages.js';
import { reservationsOf } from './identity.js';

/** Of a scalar. Sums of such are still whole thousandths. */
export const mostScalar = 1e12;

/** Why a list of resources cannot be taken; undefined: it can. */
export function invalidResources(list: readonly Resource[]): string | undefined {
  for (const resource of list) {
    const why = invalidResource(resource);
    if (why !== undefined) return `Invalid resource '${resource.name}': ${why}`;
  }
  return undefined;
}

function invalidResource(resource: Resource): string | undefined {
  if (resource.name === '') return 'its name is empty';
  const { scalar, ranges, set, type } = resource;
  if (type === 'SCALAR') {
    if (scalar === undefined || ranges !== undefined || set !== undefined) return 'not one scalar';
    // Counted in thousandths, and added up: beyond that nothing is exact any more.
    if (!(scalar.value >= 0 && scalar.value <= mostScalar)) return `${scalar.value} is no amount`;
  } else if (type === 'RANGES') {
    if (ranges === undefined || scalar !== undefined || set !== undefined) return 'not ranges';
    for (const { begin, end } of ranges.range ?? [])
      if (begin > end || begin < 0 || !Number.isSafeInteger(end)) return `[${begin}-${end}] is no range`;
    if (overlap(ranges.range ?? [])) return 'ranges overlap';
  } else if (type === 'SET') {
    if (set === undefined || scalar !== undefined || ranges !== undefined) return 'not a set';
    if (new Set(set.item).size !== (set.item?.length ?? 0)) return 'an item is there twice';
  } else return `type ${type} is not for resources`;
  return invalidReservations(resource);
}

function overlap(ranges: readonly ValueRange[]): boolean {
  const sorted = [...ranges].sort((a, b) => a.begin - b.begin);
  return sorted.some(({ begin }, i) => begin <= (sorted[i - 1]?.end ?? -1));
}

function invalidReservations(resource: Resource): string | undefined {
  const refined = (resource.reservations ?? []).length > 0;
  if (refined && (resource.role !== undefined || resource.reservation !== undefined))
    return "both 'reservations' and 'role' or 'reservation' are set";
  if (!refined && resource.reservation !== undefined && (resource.role ?? '*') === '*')
    return "reserved to role '*'";
  let above: string | undefined;
  for (const { role = '' } of reservationsOf(resource)) {
    const why = invalidRole(role);
    if (why !== undefined || role === '*') return why ?? "reserved to role '*'";
    if (above !== undefined && !role.startsWith(`${above}/`)) return `'${role}' does not refine '${above}'`;
    above = role;
  }
  return undefined;
}

/** Why a role cannot be taken; undefined: it can. */
export function invalidRole(role: string): string | undefined {
  if (role === '*') return undefined;
  if (role === '') return 'a role is empty';
  if (role.startsWith('/') || role.endsWith('/')) return `role '${role}' starts or ends with a slash`;
  for (const part of role.split('/')) {
    if (part === '' || part === '.' || part === '..' || part === '*' || part.startsWith('-'))
      return `role '${role}' has the part '${part}'`;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
    if (/[\s\u0008\u007f\\]/.test(part)) return `role '${role}' has a character that roles cannot have`;
  }
  return undefined;
}
