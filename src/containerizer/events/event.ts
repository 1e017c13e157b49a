export type EventType = 'container' | 'image' | 'volume' | 'network';

/** One line of the journal. */
export interface BerthEvent {
  /** RFC 3339 with nanoseconds, in UTC. */
  time: string;
  type: EventType;
  /** What was done: `start`, `die`, `load`, … (docs/reference/events.md). */
  action: string;
  /** A container's id, an image's manifest digest, else the name. */
  id: string;
  name: string | null;
  /** Of a container: what it was made from, as the caller named it. */
  image: string | null;
  attributes: Record<string, unknown>;
}

/** Undefined: no event, as what a full disk leaves of one. What follows on the same line still counts. */
export function parseEvent(line: string): BerthEvent | undefined {
  // Nothing inside an event looks like its beginning: quotes are escaped there.
  const start = line.lastIndexOf('{"time":"');
  if (start < 0) return undefined;
  let parsed: Partial<BerthEvent>;
  try {
    parsed = JSON.parse(line.slice(start)) as Partial<BerthEvent>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { time, type, action, id, name = null, image = null, attributes = {} } = parsed;
  if (time === undefined || type === undefined || action === undefined || id === undefined) return undefined;
  return { time, type, action, id, name, image, attributes };
}
