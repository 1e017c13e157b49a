import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { FileLock } from '../lock.js';
import { logLine, parseLine } from './log-line.js';
import { writeSnapshot } from './snapshot.js';
import { isFull, SpareRoom } from './spare-room.js';
import { documentName, type Store, type StoreOptions } from './store.js';

/** Bytes of log after which a snapshot makes the older ones needless; more where the snapshot itself is large. */
const leastRotation = 16 * 1024 * 1024;

/**
 * The store of one host: `snapshot-N` and `log-N` in one folder. A change is a line of the newest log; many are written and made durable by one
 * fdatasync(2). From time to time a new log begins and a snapshot of the same number is written beside the work that goes on: it may hold changes
 * that the new log has too, which does no harm, since a line says what a document is now.
 *
 * On a full disk it lives on the room of `spare`, without snapshots, and can be opened too: whoever must end something on such a host can keep that.
 */
export class EmbeddedStore implements Store {
  private readonly texts = new Map<string, string>();
  private lines: string[] = [];
  private calls: (() => void)[] = [];
  private writing: Promise<void> | undefined;
  private failed = false;
  private closed = false;
  private number = 0;
  private logSize = 0;
  private snapshotSize = 0;
  private rotating: Promise<void> | undefined;
  private readonly spare: SpareRoom;

  private constructor(
    private readonly folder: string,
    private readonly lock: FileLock,
    private readonly options: StoreOptions,
  ) {
    this.spare = new SpareRoom(folder);
  }

  private log: FileHandle | undefined;

  static async open(folder: string, options: StoreOptions): Promise<EmbeddedStore> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const lock = FileLock.attempt(path.join(folder, 'lock'));
    if (lock === undefined)
      throw new BerthError(options.owner.code, {
        what: `state of the ${options.owner.name} in ${folder}`,
        why: `another ${options.owner.name} uses it`,
        mend: 'End that one first, or give this one a --root of its own.',
      });
    try {
      const store = new EmbeddedStore(folder, lock, options);
      store.read();
      await store.begin();
      return store;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  recovered(): Map<string, unknown> {
    return new Map([...this.texts].map(([name, text]) => [name, JSON.parse(text)]));
  }

  put(table: string, key: string, document: unknown): void {
    const [name, text] = [documentName(table, key), JSON.stringify(document)];
    this.texts.set(name, text);
    this.append(logLine(name, text));
  }

  delete(table: string, key: string): void {
    const name = documentName(table, key);
    if (this.texts.delete(name)) this.append(logLine(name, undefined));
  }

  flushed(call: () => void): void {
    if (this.lines.length === 0 && this.writing === undefined && !this.failed) {
      queueMicrotask(() => this.tell(call));
      return;
    }
    this.calls.push(call);
    this.wake();
  }

  async close(): Promise<void> {
    if (!this.failed) await this.rotating;
    while (this.writing !== undefined && !this.failed) await this.writing;
    this.closed = true;
    await this.log?.close();
    this.log = undefined;
    this.lock.release();
  }

  private append(line: string): void {
    if (this.closed) throw new Error('the store is closed');
    this.lines.push(line);
    this.wake();
  }

  private wake(): void {
    // In a later turn, so that all that one event changes is one write.
    this.writing ??= new Promise((resolve) => setImmediate(resolve)).then(() => this.writeAll());
  }

  private async writeAll(): Promise<void> {
    try {
      while (this.lines.length > 0 || this.calls.length > 0) {
        const [lines, calls] = [this.lines, this.calls];
        this.lines = [];
        this.calls = [];
        if (lines.length > 0) {
          const bytes = Buffer.from(lines.join(''), 'utf8');
          await this.write(bytes);
          this.logSize += bytes.length;
          this.spare.take();
        }
        for (const call of calls) this.tell(call);
        if (this.logSize > Math.max(leastRotation, this.snapshotSize * 2)) await this.rotate();
      }
    } catch (error) {
      this.failed = true;
      this.options.onFailure(error instanceof Error ? error : new Error(String(error)));
    } finally {
      if (!this.failed) this.writing = undefined;
    }
  }

  private async write(bytes: Buffer): Promise<void> {
    try {
      await this.log?.appendFile(bytes);
      await this.log?.datasync();
    } catch (error) {
      if (!isFull(error) || !this.spare.release()) throw error;
      // What was written in part goes, or the log would be torn in its middle.
      await this.log?.truncate(this.logSize);
      await this.log?.appendFile(bytes);
      await this.log?.datasync();
    }
  }

  /** Whoever waits for the disk may be wrong; the disk is not. */
  private tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.options.onDefect(error);
    }
  }

  /** Begins a new log; the snapshot follows in pieces. */
  private async rotate(): Promise<void> {
    if (this.rotating !== undefined) return;
    await this.log?.close();
    await this.begin();
  }

  private async begin(): Promise<void> {
    this.number++;
    const roomy = this.spare.take();
    this.log = await open(this.file('log'), 'ax', 0o600);
    this.logSize = 0;
    // Where not even that much is free, a snapshot has no room either: the logs go on.
    if (!roomy) return;
    const number = this.number;
    this.rotating = writeSnapshot(
      this.file('snapshot'),
      this.texts,
      () => new Promise((resolve) => this.flushed(resolve)),
    )
      .then((size) => {
        this.snapshotSize = size;
        this.removeBefore(number);
      })
      .catch((error: Error) => {
        // The logs say all that it would have said.
        if (isFull(error)) return;
        this.failed = true;
        this.options.onFailure(error);
      })
      .finally(() => {
        this.rotating = undefined;
      });
  }

  private file(kind: 'log' | 'snapshot', number = this.number): string {
    return path.join(this.folder, `${kind}-${number}`);
  }

  private numbers(kind: 'log' | 'snapshot'): number[] {
    return readdirSync(this.folder)
      .flatMap((name) => new RegExp(`^${kind}-(\\d+)$`).exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  private removeBefore(number: number): void {
    for (const kind of ['log', 'snapshot'] as const)
      for (const each of this.numbers(kind))
        if (each < number) rmSync(this.file(kind, each), { force: true });
  }

  /** The newest snapshot, then every log from its number on. */
  private read(): void {
    for (const name of readdirSync(this.folder))
      if (name.endsWith('.tmp')) rmSync(path.join(this.folder, name), { force: true });
    const newest = this.numbers('snapshot').at(-1) ?? 0;
    if (newest > 0) this.apply(this.file('snapshot', newest), false);
    const logs = this.numbers('log').filter((number) => number >= newest);
    for (const number of logs) this.apply(this.file('log', number), true);
    this.number = Math.max(newest, logs.at(-1) ?? 0);
  }

  /** Only the very end of a log may be torn: what was written there was never durable. */
  private apply(file: string, mayBeTorn: boolean): void {
    const text = readFileSync(file, 'utf8');
    const lines = text.split('\n');
    const torn = lines.pop() ?? '';
    for (const [i, line] of lines.entries()) {
      const change = parseLine(line);
      if (change === undefined) {
        // A hole of a crash: nothing whole may follow it.
        if (mayBeTorn && lines.slice(i + 1).every((later) => parseLine(later) === undefined)) return;
        throw this.damaged(file, `line ${i + 1} does not have its checksum`);
      }
      if (change.document === undefined) this.texts.delete(change.name);
      else this.texts.set(change.name, change.document);
    }
    if (torn !== '' && !mayBeTorn) throw this.damaged(file, 'it is cut off');
  }

  private damaged(file: string, why: string): BerthError {
    return new BerthError('STATE_DAMAGED', { what: file, why, mend: this.options.owner.mend });
  }
}
