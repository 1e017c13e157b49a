import { HttpError } from '../../http/http-error.js';

/** A parameter that is a whole number from 0 on; undefined where it is not given. Throws HttpError 400. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new HttpError(400, `Failed to parse ${name}: it is no number`);
}

/** A parameter that must be there. Throws HttpError 400. */
export function needed(query: URLSearchParams, name: string): string {
  const text = query.get(name);
  if (text === null || text === '') throw new HttpError(400, `Expecting '${name}=value' in query`);
  return text;
}
