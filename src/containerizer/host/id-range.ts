/**
 * The host ids that containers' ids are mapped to, where /etc/subuid has no entry for `berth`: one range of `size` ids for each
 * container, `count` ranges from `first` on. Far above the ids that distributions hand out to people and services.
 */
export const containerIds = { first: 0x2a000000, size: 65536, count: 17920 } as const;

/** Host ids from `first` on, that many. */
export interface IdSpan {
  owner: string;
  first: number;
  length: number;
}

/** Entries of /etc/subuid or /etc/subgid (subuid(5)): `owner:first:length`. Other lines are none. */
export function parseSubordinateIds(text: string): IdSpan[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([^:#\s]+):(\d+):(\d+)\s*$/.exec(line);
    return match ? [{ owner: match[1] ?? '', first: Number(match[2]), length: Number(match[3]) }] : [];
  });
}

/** The accounts of /etc/passwd or /etc/group (passwd(5)), each a span of one id. */
export function parseAccountIds(text: string): IdSpan[] {
  return text.split('\n').flatMap((line) => {
    const [owner, , id] = line.split(':');
    return owner && id !== undefined && /^\d+$/.test(id) ? [{ owner, first: Number(id), length: 1 }] : [];
  });
}

export function overlaps(
  a: { first: number; length: number },
  b: { first: number; length: number },
): boolean {
  return a.first < b.first + b.length && b.first < a.first + a.length;
}
