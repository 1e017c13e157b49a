import { InvalidArgumentError } from 'commander';

const seconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `2026-01-31T12:00:00Z`, seconds of the Unix epoch, or so long ago (`10m`, `1h30m`): RFC 3339 in UTC with nanoseconds, as logs and events have it. */
export function instant(text: string): string {
  const span = /^((\d+(\.\d+)?)[smhd])+$/.test(text);
  if (span) {
    const total = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)].reduce(
      (sum, [, number, unit]) => sum + Number(number) * (seconds[unit ?? ''] ?? 0),
      0,
    );
    return withNanoseconds(new Date(Date.now() - total * 1000));
  }
  if (/^\d+(\.\d+)?$/.test(text)) return withNanoseconds(new Date(Number(text) * 1000));
  const stated = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.(\d{1,9}))?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(
    text,
  );
  const date = new Date(text);
  if (stated === null || Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('It is a time (RFC 3339), or so long ago: 10m, 1h30m.');
  const fraction = (stated[4] ?? '').padEnd(9, '0');
  return `${date.toISOString().slice(0, 19)}.${fraction}Z`;
}

function withNanoseconds(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000000Z`;
}
