import { isUtf8 } from 'node:buffer';
import type { LogRecord } from '../containerizer/container/log-record.js';
import { write } from './output.js';

export interface LogForm {
  timestamps: boolean;
  json: boolean;
}

/** Of one line in a JSON document; a longer one comes in several, all but the last `partial`. */
const longestLine = 1 << 20;
const newline = Buffer.from('\n');

/** Prints records: each stream to its own descriptor, byte for byte, lines that were logged in parts joined. */
export class LogPrinter {
  readonly #form: LogForm;
  readonly #open: Record<LogRecord['stream'], { time: string; parts: Buffer[]; length: number } | undefined> =
    {
      stdout: undefined,
      stderr: undefined,
    };

  constructor(form: LogForm) {
    this.#form = form;
  }

  print(record: LogRecord): void {
    if (this.#form.json) this.#collect(record);
    else this.#plain(record);
  }

  #plain({ time, stream, text, partial }: LogRecord): void {
    const begins = this.#open[stream] === undefined;
    this.#open[stream] = partial ? { time, parts: [], length: 0 } : undefined;
    const head = begins && this.#form.timestamps ? [Buffer.from(`${time} `)] : [];
    write(stream === 'stdout' ? 1 : 2, Buffer.concat([...head, text, ...(partial ? [] : [newline])]));
  }

  #collect({ time, stream, text, partial }: LogRecord): void {
    const line = this.#open[stream] ?? { time, parts: [], length: 0 };
    line.parts.push(Buffer.from(text));
    line.length += text.length;
    const goesOn = partial && line.length < longestLine;
    this.#open[stream] = goesOn ? line : undefined;
    if (goesOn) return;
    const bytes = Buffer.concat(line.parts);
    const exact = isUtf8(bytes) ? {} : { base64: bytes.toString('base64') };
    write(1, `${JSON.stringify({ time: line.time, stream, text: bytes.toString(), partial, ...exact })}\n`);
  }
}
