import type { Row } from '../row.js';

const width = 760;
const labelWidth = 250;
const valueWidth = 150;
const barHeight = 16;
const groupGap = 18;
const barsWidth = width - labelWidth - valueWidth;

const colours = { ours: '#1f6feb', peer: '#9aa4b2', text: '#1b1f24', faint: '#57606a' };

/** Two bars for each row, berth's and the peer's, each pair to a scale of its own: units differ. A whole SVG document. */
export function barPlot(rows: readonly Row[]): string {
  const compared = rows.filter((row) => row.peer !== null && row.peer_value !== null);
  const groupHeight = 2 * barHeight + groupGap;
  const height = compared.length * groupHeight + groupGap;
  const groups = compared.map((row, i) => group(row, groupGap + i * groupHeight));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...groups,
    '</svg>',
  ].join('\n');
}

function group(row: Row, top: number): string {
  const peer = row.peer_value ?? 0;
  const most = Math.max(row.ours, peer, Number.MIN_VALUE);
  return [
    text(labelWidth - 10, top + barHeight - 4, row.name, { anchor: 'end', fill: colours.text }),
    text(labelWidth - 10, top + 2 * barHeight - 4, `beside ${row.peer}`, {
      anchor: 'end',
      fill: colours.faint,
    }),
    bar(top, row.ours / most, colours.ours, `${row.ours} ${row.unit}${ratio(row)}`),
    bar(top + barHeight, peer / most, colours.peer, `${peer} ${row.unit}`),
  ].join('\n');
}

function ratio(row: Row): string {
  return row.ratio === null ? '' : ` (× ${row.ratio})`;
}

function bar(top: number, part: number, fill: string, label: string): string {
  const length = Math.max(1, part * barsWidth);
  return [
    `<rect x="${labelWidth}" y="${top}" width="${length.toFixed(1)}" height="${barHeight - 2}" fill="${fill}"/>`,
    text(labelWidth + length + 6, top + barHeight - 4, label, { anchor: 'start', fill: colours.text }),
  ].join('\n');
}

function text(
  x: number,
  y: number,
  content: string,
  { anchor, fill }: { anchor: string; fill: string },
): string {
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" fill="${fill}">${escaped(content)}</text>`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
