import type { CopyCounts } from '../native/index.js';
import { megabytes } from './image-progress.js';

/** One line on stderr that is written over; nothing if `silent`. */
export function copyProgress(silent: boolean) {
  const say = (text: string) => {
    if (!silent) process.stderr.write(`\r\u001b[K${text}`);
  };
  return {
    show: (entries: number, bytes: number) => say(`${counted(entries, 'file')}, ${megabytes(bytes)}`),
    clear: () => say(''),
  };
}

export function copySummary({ entries, bytes }: CopyCounts, target: string): string {
  return `${counted(entries, 'file')}, ${megabytes(bytes)} copied to ${target}`;
}

/** What was left out. */
export function copyNotes({ sockets, devices, attributes }: CopyCounts): string[] {
  const left: [number, string][] = [
    [sockets, 'socket'],
    [devices, 'device'],
    [attributes, 'extended attribute'],
  ];
  return left.filter(([count]) => count > 0).map(([count, what]) => `left out: ${counted(count, what)}`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
