import { CommanderError } from 'commander';
import { BerthError } from '../errors/berth-error.js';
import { isNativeError } from '../native/native-error.js';
import { folderTrouble } from '../state/folder-trouble.js';
import { outputs, write } from './output.js';

/** A command line that cannot be understood. */
export function usageError(what: string, why: string, mend: string): BerthError {
  return new BerthError('USAGE', { what, why, mend });
}

/** Tells the user of a failure in one line and, where there is one, the mend in a second. Returns the exit status. */
export function report(error: unknown, verb: string): number {
  const told = explain(error, verb);
  try {
    write(2, `berth: ${told.message}\n${told.mend === undefined ? '' : `${told.mend}\n`}`);
  } catch {
    // stderr is closed or full: the status is all that is left to tell with.
  }
  return told.exit;
}

function explain(error: unknown, verb: string): BerthError {
  if (error instanceof BerthError) return error;
  if (error instanceof CommanderError) return explainParse(error, verb);
  if (isSystemError(error)) {
    if ((error.code === 'EACCES' || error.code === 'EPERM') && process.geteuid?.() !== 0) {
      return new BerthError('NOT_ROOT', {
        what: verb,
        why: 'the state of this installation is readable by root alone',
        mend: 'Run berth as root.',
        cause: error,
      });
    }
    const trouble = folderTrouble(verb, error);
    if (trouble !== undefined) return trouble;
    if (error.code === 'ENOSPC' || error.code === 'EDQUOT') return noSpace(verb, error);
    return new BerthError('INTERNAL', { what: verb, why: error.message, cause: error });
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new BerthError('INTERNAL', {
    what: verb,
    why: `internal error: ${trace.replace(/\s*\n\s*/g, ' | ')}`,
    mend: 'This is a defect in berth: please report this line.',
    cause: error,
  });
}

/** Of a file that is written Node tells no path. */
function noSpace(verb: string, error: Error & { code: string; path?: string }): BerthError {
  const why = error.code === 'ENOSPC' ? 'no space is left on the disk' : 'the quota of the disk is used up';
  return new BerthError('NO_SPACE', {
    what: verb,
    why: error.path === undefined ? why : `${why} of ${error.path}`,
    mend: Object.values(outputs).some((name) => name === error.path)
      ? 'Free space there, or let it go elsewhere.'
      : 'Free space where --root and --state lie: berth prune, berth rm, berth image rm; berth df tells what takes it.',
    cause: error,
  });
}

/** Commander says `error: unknown option '--x'\n(Did you mean --y?)`: the suggestion becomes the mend. */
function explainParse(error: CommanderError, verb: string): BerthError {
  const [reason = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const question = suggestion?.replace(/^\((.*)\)$/, '$1 ') ?? '';
  return usageError(verb, reason, `${question}See berth ${verb} --help.`);
}

/** What Node and the addon throw for a failed system call; its message names the call and the path. */
function isSystemError(error: unknown): error is Error & { code: string } {
  if (isNativeError(error)) return true;
  return error instanceof Error && 'code' in error && 'syscall' in error && typeof error.code === 'string';
}
