import { InvalidArgumentError } from 'commander';

/** `HOST:PORT`, where a daemon answers. */
export function endpoint(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:]*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) throw new InvalidArgumentError('It is HOST:PORT.');
  return { host: (match[1] || '127.0.0.1').replace(/^\[|\]$/g, ''), port };
}
