import { constants } from 'node:os';
import type { Line, Size, Style } from '../inspect/top-frame.js';
import { native } from '../native/index.js';
import { type Key, Keyboard } from './keyboard.js';
import { write } from './output.js';

const csi = '\u001b[';
/** The alternate screen, no cursor, no wrapping at the end of a line; and back. */
const enter = `${csi}?1049h${csi}?25l${csi}?7l${csi}2J`;
const leave = `${csi}0m${csi}?7h${csi}?25h${csi}?1049l`;

const ends = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** What a style is on a terminal: with colour, and without (NO_COLOR, no-color.org). */
const styles: Record<Style, [string, string]> = {
  plain: ['', ''],
  title: ['1', '1'],
  heading: ['1;36', '1'],
  selected: ['7', '7'],
  faint: ['2', ''],
};

/**
 * The whole screen of a terminal for a while. It is given back as it was, whichever way this process ends; only what has changed is written.
 */
export class Screen {
  readonly #keyboard = new Keyboard();
  readonly #colour = (process.env.NO_COLOR ?? '') === '';
  #before: Buffer | undefined;
  #shown: string[] = [];

  constructor(
    private readonly onKey: (key: Key) => void,
    private readonly onResize: () => void,
  ) {}

  /** Are stdin and stdout a terminal? */
  static possible(): boolean {
    return native().terminalSize(0) !== null && native().terminalSize(1) !== null;
  }

  open(): void {
    process.on('exit', this.close);
    for (const name of ends) process.on(name, () => process.exit(128 + constants.signals[name]));
    process.on('SIGWINCH', () => this.redraw());
    process.on('SIGCONT', () => {
      this.#take();
      this.redraw();
    });
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', (text) => {
      for (const key of this.#keyboard.read(String(text))) this.#press(key);
    });
    // Nobody is left to press a key.
    process.stdin.on('end', () => process.exit(128 + constants.signals.SIGHUP));
    this.#take();
  }

  /** Gives the terminal back. */
  readonly close = (): void => {
    if (this.#before === undefined) return;
    const before = this.#before;
    this.#before = undefined;
    process.stdin.pause();
    native().restoreTerminal(0, before);
    write(1, leave);
  };

  size(): Size {
    const size = native().terminalSize(1);
    return size === null || size.rows === 0 || size.columns === 0 ? { rows: 24, columns: 80 } : size;
  }

  /** Shows these lines, from the top. */
  show(lines: readonly Line[]): void {
    const now = lines.map((line) => this.#styled(line));
    const changes = now.map((text, row) =>
      text === this.#shown[row] ? '' : `${csi}${row + 1};1H${text}${csi}K`,
    );
    this.#shown = now;
    const all = changes.join('');
    if (all !== '' && this.#before !== undefined) write(1, all);
  }

  /** Everything anew: the size has changed, or something else has written on the terminal. */
  redraw(): void {
    this.#shown = [];
    if (this.#before !== undefined) write(1, `${csi}2J`);
    this.onResize();
  }

  #take(): void {
    this.#before ??= native().makeTerminalRaw(0);
    process.stdin.resume();
    write(1, enter);
  }

  #press(key: Key): void {
    if (key === 'interrupt') process.exit(128 + constants.signals.SIGINT);
    if (key === 'redraw') this.redraw();
    else if (key === 'suspend') {
      this.close();
      process.kill(process.pid, 'SIGSTOP');
    } else this.onKey(key);
  }

  #styled({ text, style }: Line): string {
    const code = styles[style][this.#colour ? 0 : 1];
    return code === '' ? text : `${csi}${code}m${text}${csi}0m`;
  }
}
