import type { Resource, ValueRange } from '../messages.js';

/**
 * How much of a resource. Scalars are counted in thousandths, so that a hundred times 0.1 is 10; ranges are sorted, apart and closed at both ends:
 * `[31000, 31009]`. Values are never changed in place.
 */
export type Amount =
  | { readonly kind: 'SCALAR'; readonly thousandths: number }
  | { readonly kind: 'RANGES'; readonly ranges: readonly Range[] }
  | { readonly kind: 'SET'; readonly items: readonly string[] };

type Range = readonly [begin: number, end: number];

export function amountOf(resource: Resource): Amount {
  switch (resource.type) {
    case 'RANGES':
      return { kind: 'RANGES', ranges: merged((resource.ranges?.range ?? []).map((r) => [r.begin, r.end])) };
    case 'SET':
      return { kind: 'SET', items: [...new Set(resource.set?.item ?? [])].sort() };
    default:
      return { kind: 'SCALAR', thousandths: Math.round((resource.scalar?.value ?? 0) * 1000) };
  }
}

export function isNothing(amount: Amount): boolean {
  switch (amount.kind) {
    case 'SCALAR':
      return amount.thousandths === 0;
    case 'RANGES':
      return amount.ranges.length === 0;
    case 'SET':
      return amount.items.length === 0;
  }
}

export function plus(a: Amount, b: Amount): Amount {
  if (a.kind === 'SCALAR' && b.kind === 'SCALAR')
    return { kind: 'SCALAR', thousandths: a.thousandths + b.thousandths };
  if (a.kind === 'RANGES' && b.kind === 'RANGES')
    return { kind: 'RANGES', ranges: merged([...a.ranges, ...b.ranges]) };
  if (a.kind === 'SET' && b.kind === 'SET')
    return { kind: 'SET', items: [...new Set([...a.items, ...b.items])].sort() };
  return a;
}

/** What `b` has beyond `a` is passed over: ask `covers` first. */
export function minus(a: Amount, b: Amount): Amount {
  if (a.kind === 'SCALAR' && b.kind === 'SCALAR')
    return { kind: 'SCALAR', thousandths: Math.max(0, a.thousandths - b.thousandths) };
  if (a.kind === 'RANGES' && b.kind === 'RANGES')
    return { kind: 'RANGES', ranges: b.ranges.reduce(without, a.ranges) };
  if (a.kind === 'SET' && b.kind === 'SET') {
    const gone = new Set(b.items);
    return { kind: 'SET', items: a.items.filter((item) => !gone.has(item)) };
  }
  return a;
}

export function covers(a: Amount, b: Amount): boolean {
  if (a.kind === 'SCALAR' && b.kind === 'SCALAR') return a.thousandths >= b.thousandths;
  if (a.kind === 'RANGES' && b.kind === 'RANGES')
    return b.ranges.every(([begin, end]) => a.ranges.some(([from, to]) => from <= begin && end <= to));
  if (a.kind === 'SET' && b.kind === 'SET') {
    const has = new Set(a.items);
    return b.items.every((item) => has.has(item));
  }
  return false;
}

/** The value members of a Resource message. */
export function amountMembers(amount: Amount): Pick<Resource, 'type' | 'scalar' | 'ranges' | 'set'> {
  switch (amount.kind) {
    case 'SCALAR':
      return { type: 'SCALAR', scalar: { value: amount.thousandths / 1000 } };
    case 'RANGES':
      return { type: 'RANGES', ranges: { range: amount.ranges.map(toRange) } };
    case 'SET':
      return { type: 'SET', set: { item: [...amount.items] } };
  }
}

const toRange = ([begin, end]: Range): ValueRange => ({ begin, end });

function merged(ranges: readonly Range[]): Range[] {
  const result: [number, number][] = [];
  for (const [begin, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last !== undefined && begin <= last[1] + 1) last[1] = Math.max(last[1], end);
    else result.push([begin, end]);
  }
  return result;
}

function without(ranges: readonly Range[], [begin, end]: Range): readonly Range[] {
  return ranges.flatMap(([from, to]): Range[] => {
    if (to < begin || end < from) return [[from, to]];
    const left: Range[] = from < begin ? [[from, begin - 1]] : [];
    const right: Range[] = end < to ? [[end + 1, to]] : [];
    return [...left, ...right];
  });
}
