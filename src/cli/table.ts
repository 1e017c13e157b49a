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

/** JSON in which no control character stands as itself. JSON escapes those below U+0020 alone; a terminal obeys those from U+0080 on as well. */
export function jsonText(value: unknown, indent: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
