import type { ExitDocument } from '../../containerizer/container/document.js';
import type { LiveContainer } from '../container/live-container.js';
import { type NestedRecord, nestedKey } from './record.js';

type End = Pick<ExitDocument, 'status' | 'signal'>;

/** A container below another. */
export class Nested {
  /** While it runs. */
  container: LiveContainer | undefined;
  /** Its parent has ended, and it is to end. */
  doomed = false;
  /** The folder of its sandbox is its own, not something that was there. */
  ownsFolder = true;
  /** What it has come to; nothing runs then, and its end is on the disk. */
  exit: End | undefined;
  readonly ended: Promise<End>;
  private settle: (end: End) => void = () => {};

  constructor(readonly record: NestedRecord) {
    this.ended = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  get key(): string {
    return nestedKey(this.record.parent, this.record.name.value);
  }

  get containerId(): string {
    return this.record.container_id;
  }

  end(how: End): void {
    this.exit = how;
    this.settle(how);
  }
}
