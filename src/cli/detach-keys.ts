import { InvalidArgumentError } from 'commander';

/** Docker's own. */
export const defaultDetachKeys = 'ctrl-p,ctrl-q';

const most = 8;

/**
 * `ctrl-p,ctrl-q`, `a,b`: keys by which somebody at a terminal leaves, as two hexadecimal digits for each. Letters and digits stand for themselves; an empty text
 * stands for none.
 */
export function detachKeys(text: string): string {
  const keys = text === '' ? [] : text.split(',');
  if (keys.length > most) throw new InvalidArgumentError(`They are ${most} keys at most.`);
  return keys.map(code).join('');
}

function code(key: string): string {
  const control = /^ctrl-([a-z[\]\\^_])$/i.exec(key)?.[1];
  // What a terminal sends for a letter with Ctrl held down: its last five bits (ascii(7)).
  const number = control === undefined ? key.charCodeAt(0) : control.toUpperCase().charCodeAt(0) & 0x1f;
  if (control === undefined && !/^[!-~]$/.test(key)) {
    throw new InvalidArgumentError(
      `${key} is no key: give ctrl-LETTER or one character, separated by commas.`,
    );
  }
  return number.toString(16).padStart(2, '0');
}
