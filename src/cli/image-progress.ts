import type { ImageEvent, OnProgress } from '../containerizer/image/progress.js';
import { Bars } from './bars.js';
import type { Context } from './verb.js';

/** Tells on stderr how far an image is: a bar a layer on a terminal, else plain lines. */
export function imageProgress(context: Context): OnProgress {
  return process.stderr.isTTY ? layerBars() : plainLines(context);
}

/** One object a line on stdout. */
export function imageEvents(context: Context): OnProgress {
  return ({ kind, ...event }) => context.out(`${JSON.stringify({ event: kind, ...event })}\n`);
}

function title(event: ImageEvent): string {
  const part = event.kind === 'upload' || event.kind === 'upload-done' ? 'blob' : 'layer';
  return `${part} ${event.index}/${event.count} ${event.digest.slice(7, 19)}`;
}

/** One line when something begins or is there, none on the way. */
function plainLines(context: Context): OnProgress {
  const begun = new Set<string>();
  return (event) => {
    const said = lineOf(event);
    const key = `${event.kind} ${event.index}`;
    if (said === undefined || begun.has(key)) return;
    begun.add(key);
    context.note(`${title(event)}: ${said}`);
  };
}

function lineOf(event: ImageEvent): string | undefined {
  switch (event.kind) {
    case 'download':
      return event.done === 0
        ? `fetching ${megabytes(event.size)}`
        : `fetching the rest of ${megabytes(event.size)}, ${megabytes(event.done)} are there`;
    case 'layer-start':
      return `unpacking ${megabytes(event.size)}${shape(event)}`;
    default:
      return ending(event);
  }
}

function shape({ form, instead }: ImageEvent & { kind: 'layer-start' }): string {
  if (instead !== undefined) return ` into a folder: ${instead}`;
  return form === 'erofs' ? ' into one file' : '';
}

/** What is told last of a layer or a blob. */
function ending(event: ImageEvent): string | undefined {
  if (event.kind === 'layer-present') return 'already there';
  if (event.kind === 'upload-done')
    return { present: 'already there', mounted: 'taken from another repository', sent: 'sent' }[event.how];
  return undefined;
}

/**
 * A layer is there when it is unpacked, whether it was fetched, read from a file, or neither. Unpacking keeps pace with fetching, so one bar tells of both.
 */
function layerBars(): OnProgress {
  const bars = new Bars();
  return (event) => {
    const key = String(event.index);
    const end = event.kind === 'layer-done' ? `${megabytes(event.size)} unpacked` : ending(event);
    if (end !== undefined) return bars.end(key, `${title(event)} ${end}`);
    if (event.kind === 'layer-present' || event.kind === 'layer-done' || event.kind === 'upload-done') return;
    const done = event.kind === 'layer-start' ? 0 : event.done;
    // Fetched and not unpacked yet, it keeps its full bar.
    if (event.kind === 'layer-start' && bars.has(key)) return;
    bars.show(key, title(event), done, event.size, `${megabytes(done)} of ${megabytes(event.size)}`);
  };
}

export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
