import type { ImageEvent, OnProgress } from '../containerizer/image/progress.js';
import type { Context } from './verb.js';

const barWidth = 24;

/** Tells on stderr how far an image is: a bar on a terminal, else one plain line for each layer. */
export function imageProgress(context: Context): OnProgress {
  return process.stderr.isTTY ? bars() : (event) => line(context, event);
}

/** One object a line on stdout. */
export function imageEvents(context: Context): OnProgress {
  return ({ kind, ...event }) => context.out(`${JSON.stringify({ event: kind, ...event })}\n`);
}

function title(event: ImageEvent): string {
  return `layer ${event.index}/${event.count} ${event.digest.slice(7, 19)}`;
}

function line(context: Context, event: ImageEvent): void {
  if (event.kind === 'layer-start') context.note(`${title(event)}: unpacking ${megabytes(event.size)}`);
  if (event.kind === 'layer-present') context.note(`${title(event)}: already there`);
}

function bars(): OnProgress {
  return (event) => {
    const end = event.kind === 'layer-done' || event.kind === 'layer-present' ? '\n' : '';
    process.stderr.write(`\r\u001b[K${title(event)} ${state(event)}${end}`);
  };
}

function state(event: ImageEvent): string {
  if (event.kind === 'layer-present') return 'already there';
  const done = event.kind === 'layer-done' ? event.size : event.kind === 'layer-bytes' ? event.done : 0;
  const part = event.size === 0 ? 1 : Math.min(1, done / event.size);
  const filled = Math.round(part * barWidth);
  return `[${'='.repeat(filled)}${' '.repeat(barWidth - filled)}] ${megabytes(done)} of ${megabytes(event.size)}`;
}

export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
