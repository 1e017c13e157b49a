import { readFileSync } from 'node:fs';
import { BerthError } from '../errors/berth-error.js';

/**
 * One of berth's own JSON files with a `format` member. Undefined when there is none; a truncated or foreign file is explained, never trusted.
 */
export function readDocument<Document extends { format: number }>(
  file: string,
  format: Document['format'],
): Document | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  let document: Partial<Document>;
  try {
    document = JSON.parse(text) as Partial<Document>;
  } catch (cause) {
    throw damaged(file, 'it is not valid JSON', cause);
  }
  if (document?.format !== format) {
    throw damaged(
      file,
      `its format is ${JSON.stringify(document?.format)}, and this version of berth knows ${format}`,
    );
  }
  return document as Document;
}

/** What is told of a file that is there and cannot be what it was. */
export function damaged(file: string, why: string, cause?: unknown): BerthError {
  return new BerthError('STATE_DAMAGED', {
    what: file,
    why,
    mend: 'berth rm -f removes what is left of the container.',
    cause,
  });
}

/** A JSON file that must be there: one that is missing, truncated or foreign is explained. */
export function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw damaged(file, 'it is missing', error);
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(file, 'it is not valid JSON', cause);
  }
}
