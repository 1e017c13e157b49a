/** A column of a table for people. */
export interface Column {
  header: string;
  align?: 'left' | 'right';
}

/**
 * Lays rows out in columns two spaces apart, the last one as long as it is; no trailing blanks. Cells hold one line each:
 * control characters, which text from images may have, are shown escaped.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map((column) => column.header), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => [...(line[i] ?? '')].length)));
  const lay = (line: readonly string[]) =>
    columns
      .map(({ align }, i) => pad(line[i] ?? '', widths[i] ?? 0, align ?? 'left'))
      .join('  ')
      .trimEnd();
  return `${lines.map(lay).join('\n')}\n`;
}

function pad(cell: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(width - [...cell].length);
  return align === 'left' ? cell + blanks : blanks + cell;
}

/** Control characters, which names from images may have, shown escaped. */
export function printable(cell: string): string {
  return cell.replace(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
