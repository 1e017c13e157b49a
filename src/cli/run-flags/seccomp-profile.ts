import { readFileSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { type SeccompProfile, seccompProfileShape } from '../../oci-spec/seccomp-profile.js';
import { ShapeError } from '../../oci-spec/shape.js';
import { unreadable } from './key-value.js';

/** The file of `--security-opt seccomp=FILE`. */
export function readSeccompProfile(file: string): SeccompProfile {
  const refused = (why: string, cause: unknown) =>
    new BerthError('USAGE', { what: `--security-opt seccomp=${file}`, why, cause });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw refused(unreadable(cause), cause);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw refused('it is not valid JSON', cause);
  }
  try {
    return seccompProfileShape(document, '');
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    throw refused(cause.message, cause);
  }
}
