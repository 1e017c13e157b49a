import { BerthError } from '../../errors/berth-error.js';
import { InvalidMessage } from '../../mesos/codec.js';
import { messageReader } from '../../mesos/json-read.js';
import type { Attribute, Resource, ValueRange } from '../../mesos/messages.js';
import { invalidResources } from '../../mesos/resources/validate.js';
import { messageType } from '../../mesos/schema.js';

type Value =
  | { type: 'SCALAR'; scalar: { value: number } }
  | { type: 'RANGES'; ranges: { range: ValueRange[] } }
  | { type: 'SET'; set: { item: string[] } };

/** `cpus:4;mem(web):1024;ports:[31000-32000]`, as the reference writes resources, or a JSON list of them. */
export function parseResources(text: string): Resource[] {
  const resources = text.trim().startsWith('[') ? fromJson(text) : pairs(text, 'resources').map(resourceOf);
  const why = invalidResources(resources);
  if (why !== undefined) throw wrong(`resources ${text}`, why);
  return resources;
}

/** `rack:a;zone:b;level:4;slots:[1-9]`. What is neither a number nor ranges is a text. */
export function parseAttributes(text: string): Attribute[] {
  return pairs(text, 'attributes').map(([name, value]): Attribute => {
    const read = readValue(value);
    if (read === undefined || read.type === 'SET') return { name, type: 'TEXT', text: { value } };
    return { name, ...read };
  });
}

function resourceOf([key, value]: [string, string]): Resource {
  const [, name = '', role] = /^([^()]+)(?:\(([^()]+)\))?$/.exec(key) ?? [];
  const read = readValue(value);
  if (name === '' || read === undefined)
    throw wrong(`resource ${key}:${value}`, 'it is no number, no [range] and no {set}');
  return {
    name,
    ...read,
    ...(role !== undefined && role !== '*' && { reservations: [{ type: 'STATIC' as const, role }] }),
  };
}

function readValue(text: string): Value | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return { type: 'SCALAR', scalar: { value: Number(text) } };
  const [, inside] = /^\[([^[\]]*)\]$/.exec(text) ?? [];
  if (inside !== undefined) {
    const range = inside.split(',').map((each) => /^\s*(\d+)\s*-\s*(\d+)\s*$/.exec(each));
    if (range.some((each) => each === null)) return undefined;
    return {
      type: 'RANGES',
      ranges: { range: range.map((each) => ({ begin: Number(each?.[1]), end: Number(each?.[2]) })) },
    };
  }
  const [, items] = /^\{([^{}]*)\}$/.exec(text) ?? [];
  if (items === undefined) return undefined;
  return { type: 'SET', set: { item: items.split(',').map((each) => each.trim()) } };
}

function pairs(text: string, what: keyof typeof mends): [string, string][] {
  return text
    .split(/[;\n]/)
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map((each) => {
      const colon = each.indexOf(':');
      if (colon <= 0 || colon === each.length - 1)
        throw wrong(`${what} ${each}`, 'it is not NAME:VALUE', mends[what]);
      return [each.slice(0, colon).trim(), each.slice(colon + 1).trim()];
    });
}

function fromJson(text: string): Resource[] {
  try {
    const list: unknown = JSON.parse(text);
    const read = messageReader(messageType('mesos.v1.Resource'));
    return (list as unknown[]).map((each) => read(each, 'resource') as Resource);
  } catch (error) {
    if (!(error instanceof InvalidMessage || error instanceof SyntaxError)) throw error;
    throw wrong('resources', error.message);
  }
}

const mends = {
  resources: 'Write cpus:4;mem:8192;ports:[31000-32000], or JSON.',
  attributes: 'Write rack:a;zone:b.',
} as const;

function wrong(what: string, why: string, mend: string = mends.resources): BerthError {
  return new BerthError('USAGE', { what, why, mend });
}
