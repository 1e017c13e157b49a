import { type Column, columns } from './columns.js';
import type { Microstates } from './microstates.js';
import type { Row } from './row.js';

/** How rows stand under each other: by one member; numbers from the largest down, texts from the first up, or the other way round. */
export interface Order {
  member: Column['member'];
  reverse: boolean;
}

/** The column that a person means, by its heading or its member of the JSON. Undefined: there is none. */
export function columnNamed(name: string): Column | undefined {
  const wanted = name.toLowerCase();
  return columns.find(({ member, header }) =>
    [header, member, member.replace('microstates.', '')].some((each) => each.toLowerCase() === wanted),
  );
}

/** Rows of one level sorted, each followed by those that belong to it. What is not known comes last. */
export function ordered(rows: readonly Row[], order: Order): Row[] {
  const ids = new Set(rows.map(({ id }) => id));
  const children = new Map<string, Row[]>();
  for (const row of rows) {
    const parent = row.parent_id !== null && ids.has(row.parent_id) ? row.parent_id : '';
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [row]);
    else siblings.push(row);
  }
  const below = (parent: string): Row[] =>
    (children.get(parent) ?? []).sort(comparison(order)).flatMap((row) => [row, ...below(row.id)]);
  return below('');
}

function comparison({ member, reverse }: Order): (a: Row, b: Row) => number {
  const sign = reverse ? -1 : 1;
  return (a, b) => {
    const [x, y] = [memberOf(a, member), memberOf(b, member)];
    if (x === y) return a.id < b.id ? -1 : 1;
    if (x === null || y === null) return x === null ? 1 : -1;
    if (typeof x === 'number' && typeof y === 'number') return (y - x) * sign;
    return (String(x) < String(y) ? -1 : 1) * sign;
  };
}

function memberOf(row: Row, member: Column['member']): string | number | null {
  const state = /^microstates\.(.+)$/.exec(member)?.[1];
  const value = state === undefined ? row[member as keyof Row] : row.microstates[state as keyof Microstates];
  return value === undefined || typeof value === 'object' ? null : value;
}
