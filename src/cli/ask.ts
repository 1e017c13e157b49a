import { createInterface } from 'node:readline/promises';
import { isatty } from 'node:tty';
import { native } from '../native/index.js';
import { write } from './output.js';
import { usageError } from './report.js';

/** A line from whoever sits at the terminal. `instead`: what would say it without one. */
export async function askWord(prompt: string, instead: string): Promise<string> {
  mustBeTerminal(prompt, instead);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(prompt)).trim();
  } finally {
    lines.close();
  }
}

/** The same, without showing what is typed. */
export async function askSecret(prompt: string, instead: string): Promise<string> {
  mustBeTerminal(prompt, instead);
  write(2, prompt);
  const before = native().makeTerminalRaw(0);
  try {
    return await typed();
  } finally {
    native().restoreTerminal(0, before);
    process.stdin.pause();
    write(2, '\n');
  }
}

const interrupt = '\x03';
const endOfInput = '\x04';
const erase = ['\x7f', '\b'];

async function typed(): Promise<string> {
  let secret = '';
  for await (const part of process.stdin.setEncoding('utf8')) {
    for (const key of String(part)) {
      if (key === '\r' || key === '\n' || key === endOfInput) return secret;
      if (key === interrupt) throw usageError('login', 'it was broken off', 'Nothing was kept.');
      secret = erase.includes(key) ? secret.slice(0, -1) : secret + key;
    }
  }
  return secret;
}

function mustBeTerminal(prompt: string, instead: string): void {
  if (isatty(0)) return;
  throw usageError(
    prompt.replace(/:? *$/, ''),
    'nobody sits at a terminal to be asked',
    `Use berth ${instead}.`,
  );
}
