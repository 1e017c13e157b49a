import { type Check, ok, warn } from './check.js';
import { containerIds, type IdSpan, overlaps, parseAccountIds, parseSubordinateIds } from './id-range.js';
import type { ReadFile } from './kernel-file.js';

/** Do the ids of containers belong to nobody else? (subuid(5), subgid(5), passwd(5), group(5)) */
export function checkIds(read: ReadFile): Check[] {
  return [
    checkIdSpace(
      'id range',
      parseSubordinateIds(read('/etc/subuid') ?? ''),
      parseAccountIds(read('/etc/passwd') ?? ''),
    ),
    checkIdSpace(
      'group id range',
      parseSubordinateIds(read('/etc/subgid') ?? ''),
      parseAccountIds(read('/etc/group') ?? ''),
    ),
  ];
}

function checkIdSpace(name: string, subordinate: IdSpan[], accounts: IdSpan[]): Check {
  const { first, size, count } = containerIds;
  const granted = subordinate.find((span) => span.owner === 'berth' && span.length >= size);
  const span = granted ?? { first, length: size * count };
  const detail = `${Math.floor(span.length / size)} ranges of ${size} ids from ${span.first}`;
  const others = [...subordinate.filter((each) => each.owner !== 'berth'), ...accounts];
  const clash = others.find((other) => overlaps(other, span));
  if (clash === undefined) return ok(name, granted ? `${detail} (granted to berth)` : detail);
  return warn(
    name,
    `${detail}, but ${clash.owner} has ${clash.first} to ${clash.first + clash.length - 1}`,
    `Give ${clash.owner} other ids, so that no container shares them.`,
  );
}
