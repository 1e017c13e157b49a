import { native } from '../native/index.js';
import { isNativeError } from '../native/native-error.js';

/** Milliseconds until a manager that is busy is told again. */
const again = 100;

/**
 * Tells the service manager that started this process how it is (sd_notify(3)). Nothing happens where none has: NOTIFY_SOCKET says so, and is taken out of the environment, since
 * what this process starts has nothing to tell.
 */
export class ServiceManager {
  private readonly socket = process.env.NOTIFY_SOCKET;
  private waiting: string | undefined;

  constructor() {
    delete process.env.NOTIFY_SOCKET;
  }

  /** What it was started for works now. */
  ready(status: string): void {
    this.tell(`READY=1\nSTATUS=${oneLine(status)}`);
  }

  /** One line for `systemctl status`. */
  status(text: string): void {
    this.tell(`STATUS=${oneLine(text)}`);
  }

  stopping(): void {
    this.tell('STOPPING=1');
  }

  private tell(text: string): void {
    if (this.socket === undefined) return;
    const whole = this.waiting === undefined ? text : `${this.waiting}\n${text}`;
    try {
      native().tellServiceManager(this.socket, whole);
      this.waiting = undefined;
    } catch (error) {
      // Its queue is full: nothing that it waits for may be lost. A manager that is gone waits for nothing.
      if (!isNativeError(error) || error.code !== 'EAGAIN') return;
      if (this.waiting === undefined) setTimeout(() => this.retry(), again).unref();
      this.waiting = whole;
    }
  }

  private retry(): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting !== undefined) this.tell(waiting);
  }
}

const oneLine = (text: string) => text.replace(/\p{Cc}/gu, ' ');
