import { type Column, columns } from './columns.js';
import { decimal } from './quantity.js';
import type { InspectionDocument, Row } from './row.js';
import { linesOf } from './table.js';
import { columnsShown, indexOf, type Looked, rowsShown, type TopView } from './top-view.js';

export type Style = 'plain' | 'title' | 'heading' | 'selected' | 'faint';

/** One line of the screen, no longer than it is wide. */
export interface Line {
  text: string;
  style: Style;
}

export interface Size {
  rows: number;
  columns: number;
}

/** What stands above the table beside the document's own figures. */
export interface TopFacts {
  /** As a person reads it. */
  time: string;
  /** What this program itself took of one CPU; null: not known yet. */
  ownPercent: number | null;
  /** What has just happened, if anything. */
  message: string;
}

export const keys = [
  ['↑ ↓  j k', 'select a row; PgUp, PgDn, Home, End'],
  ['enter →', 'open it: task, process, thread'],
  ['⌫ ←', 'back up'],
  ['s  r', 'sort by the next column; the other way round'],
  ['t', 'with all threads, or without'],
  ['space', 'hold, and go on'],
  ['?', 'this help'],
  ['q', 'leave'],
] as const;

const footer = 'q quit  ↑↓ select  enter open  ⌫ back  s sort  r reverse  t threads  space hold  ? help';

/** How many rows of the table there is room for. */
export function pageOf({ rows }: Size): number {
  return Math.max(1, rows - frameLines(rows));
}

/** Title, place, heading and footer; the lowest screens go without some. */
function frameLines(rows: number): number {
  return rows >= 8 ? 4 : rows >= 4 ? 2 : 1;
}

/** The whole screen, always as many lines as it has. Pure. */
export function frameOf(view: TopView, document: Looked, facts: TopFacts, size: Size): Line[] {
  const rows = rowsShown(view, document);
  const page = pageOf(size);
  const at = indexOf(view, rows);
  const first = Math.max(0, Math.min(at - Math.floor(page / 2), rows.length - page));
  const [heading = '', ...table] = fitting(rows, columnsShown(view), size.columns);
  const body: Line[] = view.help
    ? keys.map(([key, text]) => ({ text: `  ${key.padEnd(10)} ${text}`, style: 'plain' as const }))
    : table
        .slice(first, first + page)
        .map((text, index) =>
          first + index === at
            ? { text: text.padEnd(size.columns), style: 'selected' }
            : { text, style: 'plain' },
        );
  const { rows: height } = size;
  const lines: Line[] = [
    ...(height >= 8 ? [{ text: titleOf(view, document, facts), style: 'title' as const }] : []),
    ...(height >= 4 ? [{ text: placeOf(view, document, rows, facts), style: 'plain' as const }] : []),
    { text: heading.padEnd(size.columns), style: 'heading' },
    ...body.slice(0, page),
  ];
  while (lines.length < height - (height >= 8 ? 1 : 0)) lines.push({ text: '', style: 'plain' });
  if (height >= 8) lines.push({ text: footer, style: 'faint' });
  return lines.slice(0, height).map(({ text, style }) => ({ text: cut(text, size.columns), style }));
}

function titleOf(view: TopView, { sampling, rows }: InspectionDocument, facts: TopFacts): string {
  const tasks = rows.filter(({ level }) => level === 'task');
  const sum = (member: 'processes' | 'threads') =>
    tasks.reduce((total, row) => total + (row[member] ?? 0), 0);
  const cost = `cost ${(sampling.cost_cpu_seconds * 1000).toFixed(1)}ms`;
  return [
    `berth top ${facts.time}`,
    `${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'} ${sum('processes')} procs ${sum('threads')} threads`,
    `over ${sampling.interval_seconds.toFixed(1)}s`,
    `${cost}${facts.ownPercent === null ? '' : `, ${decimal(facts.ownPercent)}%`}`,
    ...(view.paused ? ['HELD'] : []),
  ].join('  ');
}

function placeOf(view: TopView, { rows }: InspectionDocument, shown: Row[], { message }: TopFacts): string {
  const name = (id: string | null) => rows.find((row) => row.id === id)?.name ?? id;
  const path = [
    view.cluster ? 'the cluster' : 'all tasks',
    ...(view.task === null ? [] : [name(view.task)]),
    ...(view.process === null ? [] : [`${name(view.process)} (pid ${view.process.split('/')[1]})`]),
  ].join(' > ');
  const header = columns.find(({ member }) => member === view.order.member)?.header ?? '';
  const nothing = shown.length === 0 ? '  nothing runs here' : '';
  const place = `${path}${view.threads ? ', with threads' : ''}  by ${header}${view.order.reverse ? ' reversed' : ''}${nothing}`;
  return message === '' ? place : `${place}  ${message}`;
}

/** What a narrow screen can do without, the least needed first. */
const spare: readonly Column['member'][] = [
  'image',
  'nspid',
  'io_read_bytes_per_second',
  'io_write_bytes_per_second',
  'uptime_seconds',
  'microstates.block_io',
  'microstates.memory_stall',
  'microstates.sleep',
  'id',
  'threads',
  'microstates.throttled',
  'microstates.system',
  'microstates.user',
  'state',
  'microstates.run_queue',
  'tid',
  'pid',
  'memory_rss',
];

/** The table with as many columns as fit, heading first. */
function fitting(rows: readonly Row[], all: readonly Column[], width: number): string[] {
  let shown = all;
  let lines = linesOf(rows, shown, false);
  for (const member of spare) {
    if (lines.every((line) => line.length <= width)) break;
    shown = shown.filter((column) => column.member !== member);
    lines = linesOf(rows, shown, false);
  }
  return lines;
}

function cut(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : characters.slice(0, width).join('');
}
