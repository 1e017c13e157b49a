import type { Schema } from './schema.js';

/** Where a daemon answers. */
export interface Endpoint {
  host: string;
  port: number;
}

const form = '^(\\[[0-9a-fA-F:.]+\\]|[^:]*):(\\d{1,5})$';

export const endpointSchema: Schema = { type: 'string', pattern: form, description: 'HOST:PORT' };

/** `HOST:PORT`, an IPv6 address in brackets; no host is 127.0.0.1. Undefined: it is no such text. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = new RegExp(form, 'u').exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) return undefined;
  return { host: (match[1] || '127.0.0.1').replace(/^\[|\]$/g, ''), port };
}

/** The other way round. */
export const endpointText = ({ host, port }: Endpoint) =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
