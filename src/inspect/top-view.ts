import { type Column, columnsOf } from './columns.js';
import { type Order, ordered } from './order.js';
import type { InspectionDocument, Row } from './row.js';
import type { Depth } from './rows.js';

/** What a person looks at: how far down, at which row, in which order. */
export interface TopView {
  /** The task whose processes are shown, by id; null: all tasks. */
  task: string | null;
  /** The row of the process whose threads are shown, by id. */
  process: string | null;
  /** With all threads, as a tree. */
  threads: boolean;
  order: Order;
  /** Of a whole cluster: with its nodes above their tasks. */
  cluster: boolean;
  /** A row's id. */
  selected: string | null;
  paused: boolean;
  help: boolean;
}

/** What a key asks for. */
export type Action =
  | 'up'
  | 'down'
  | 'page-up'
  | 'page-down'
  | 'first'
  | 'last'
  | 'open'
  | 'back'
  | 'sort'
  | 'reverse'
  | 'threads'
  | 'pause'
  | 'help';

export function depthOf({ task, process, threads }: TopView): Depth {
  if (threads || process !== null) return 'thread';
  return task === null ? 'task' : 'process';
}

/** A document, and what was looked at for it: one task alone, by its id, with all of its pod if it is the first container of one; null: all tasks. */
export interface Looked extends InspectionDocument {
  of: string | null;
}

/** The rows to show, in order. */
export function rowsShown(view: TopView, looked: Looked): Row[] {
  return ordered(looked.rows.filter(belongs(view, looked)), view.order);
}

function belongs({ task, process, threads }: TopView, { of, rows }: Looked): (row: Row) => boolean {
  if (process !== null) return (row) => row.parent_id === process;
  if (task === null) return (row) => threads || (row.level !== 'process' && row.level !== 'thread');
  const shown = (row: Row) => threads || row.level !== 'thread';
  // Of a pod each container is told of, with what runs in it below.
  if (of === task && rows.some((row) => row.task_id !== task)) return shown;
  return (row) => row.task_id === task && row.level !== 'task' && shown(row);
}

export function columnsShown(view: TopView): Column[] {
  const cluster = view.cluster && view.task === null;
  return columnsOf(depthOf(view) === 'task' ? 'list' : 'tree', { pss: false, cluster });
}

/** The view that a key leads to. `page`: how many rows are seen at once. */
export function act(view: TopView, action: Action, rows: readonly Row[], page: number): TopView {
  const at = indexOf(view, rows);
  const select = (index: number): TopView => ({
    ...view,
    selected: rows[Math.max(0, Math.min(rows.length - 1, index))]?.id ?? null,
  });
  switch (action) {
    case 'up':
      return select(at - 1);
    case 'down':
      return select(at + 1);
    case 'page-up':
      return select(at - page);
    case 'page-down':
      return select(at + page);
    case 'first':
      return select(0);
    case 'last':
      return select(rows.length - 1);
    case 'open':
      return opened(view, rows[at]);
    case 'back':
      return back(view);
    case 'sort':
      return { ...view, order: nextOrder(view) };
    case 'reverse':
      return { ...view, order: { ...view.order, reverse: !view.order.reverse } };
    case 'threads':
      return { ...view, threads: !view.threads, process: null };
    case 'pause':
      return { ...view, paused: !view.paused };
    case 'help':
      return { ...view, help: !view.help };
  }
}

/** Where the selected row stands; one that is gone leaves the first selected. */
export function indexOf({ selected }: TopView, rows: readonly Row[]): number {
  return Math.max(
    0,
    rows.findIndex(({ id }) => id === selected),
  );
}

function opened(view: TopView, row: Row | undefined): TopView {
  if (row?.level === 'task') return { ...view, task: row.id, selected: null };
  if (row?.level !== 'process') return view;
  return { ...view, task: row.task_id, process: row.id, threads: false, selected: null };
}

function back(view: TopView): TopView {
  if (view.process !== null) return { ...view, process: null, selected: view.process };
  return { ...view, task: null, selected: view.task };
}

function nextOrder(view: TopView): Order {
  const shown = columnsShown(view);
  const at = shown.findIndex(({ member }) => member === view.order.member);
  return { member: shown[(at + 1) % shown.length]?.member ?? 'cpu_percent', reverse: false };
}
