import type { Column } from './columns.js';
import type { Row } from './row.js';

/** Rows as aligned text, a heading first. `whole`: nothing is cut. */
export function tableOf(rows: Row[], columns: readonly Column[], whole: boolean): string {
  return linesOf(rows, columns, whole)
    .map((line) => `${line}\n`)
    .join('');
}

/** The same, line by line. */
export function linesOf(rows: readonly Row[], columns: readonly Column[], whole: boolean): string[] {
  const lines = [
    columns.map(({ header }) => header),
    ...rows.map((row) => columns.map((column) => cell(column, row, whole))),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((value, index) =>
        columns[index]?.align === 'right'
          ? value.padStart(widths[index] ?? 0)
          : value.padEnd(widths[index] ?? 0),
      )
      .join(' ')
      .trimEnd(),
  );
}

function cell(column: Column, row: Row, whole: boolean): string {
  const value = printable(column.text(row));
  if (whole || column.longest === undefined || value.length <= column.longest) return value;
  // A beginning of an id still names it; a cut name shows that it is cut.
  return column.member === 'id' ? value.slice(0, column.longest) : `${value.slice(0, column.longest - 1)}…`;
}

/** Any process may name itself anything: control characters never reach a terminal. */
function printable(value: string): string {
  return value.replace(/\p{C}/gu, '?');
}
