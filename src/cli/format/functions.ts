import { usageError } from '../report.js';
import { jsonText } from '../table.js';
import { isTrue, shown } from './value.js';

type Call = (...args: unknown[]) => unknown;

const functions: Record<string, Call> = {
  json: (value) => jsonText(value ?? null, 0),
  join: (list, separator) => (Array.isArray(list) ? list.map(shown).join(String(separator)) : shown(list)),
  split: (text, separator) => String(text).split(String(separator)),
  lower: (text) => String(text).toLowerCase(),
  upper: (text) => String(text).toUpperCase(),
  title: (text) => String(text).replace(/\b\p{L}/gu, (letter) => letter.toUpperCase()),
  truncate: (text, length) => String(text).slice(0, Number(length)),
  println: (...args) => `${args.map(shown).join(' ')}\n`,
  print: (...args) => args.map(shown).join(''),
  printf: (format, ...args) => {
    let next = 0;
    return String(format).replace(/%(?:%|[svdq])/g, (verb) => {
      if (verb === '%%') return '%';
      const value = args[next++];
      return verb === '%q' ? JSON.stringify(shown(value)) : shown(value);
    });
  },
  len: (value) =>
    typeof value === 'string'
      ? value.length
      : value === null || value === undefined
        ? 0
        : Object.keys(value).length,
  index: (value, ...keys) =>
    keys.reduce<unknown>((at, key) => {
      if (at === null || typeof at !== 'object' || !Object.hasOwn(at, String(key))) return undefined;
      return (at as Record<string, unknown>)[String(key)];
    }, value),
  eq: (first, ...others) => others.some((other) => first === other),
  ne: (first, second) => first !== second,
  lt: (first, second) => Number(first) < Number(second),
  le: (first, second) => Number(first) <= Number(second),
  gt: (first, second) => Number(first) > Number(second),
  ge: (first, second) => Number(first) >= Number(second),
  not: (value) => !isTrue(value),
  and: (...args) => args.find((each) => !isTrue(each)) ?? args.at(-1),
  or: (...args) => args.find(isTrue) ?? args.at(-1),
};

export function callFunction(name: string, args: unknown[]): unknown {
  const found = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (found !== undefined) return found(...args);
  throw usageError(
    `--format ${name}`,
    `there is no such function; there are ${Object.keys(functions).join(', ')}`,
    'Members have a dot before them: {{.name}}.',
  );
}
