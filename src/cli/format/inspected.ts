import { jsonText } from '../table.js';
import { type Format, formatted } from './flag.js';

/** What a verb that inspects prints: documents as JSON, a list unless `alone`, or by a template that also knows what `docker` makes of each. */
export function inspected<Told extends object>(
  told: readonly Told[],
  docker: (each: Told) => object,
  { json, format, alone }: { json: boolean; format?: Format | undefined; alone: boolean },
): string {
  if (format !== undefined && format !== 'json') return formatted(format, told.map(docker));
  const document = alone && told.length === 1 ? told[0] : told;
  return `${jsonText(document, json || format === 'json' ? 0 : 2)}\n`;
}
