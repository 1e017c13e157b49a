import type { ExitDocument } from '../containerizer/container/document.js';
import type { ContainerID } from '../mesos/messages.js';
import { follow, type Input, type Output, type SessionClient } from './cluster/session-client.js';
import type { FollowedProgram } from './foreground.js';
import { KeyWatch } from './key-watch.js';

export interface RemoteRequest {
  container: ContainerID;
  /** This process's input is the program's. */
  input: boolean;
  terminal: boolean;
  /** Two hexadecimal digits for each. */
  detachKeys: string;
  /** Called when they were typed. */
  left(): void;
}

/** A program on another host whose streams are this process's. */
export class RemoteProgram implements FollowedProgram {
  readonly ended: Promise<ExitDocument>;
  private readonly feed: Input | undefined;
  private over = false;
  private fail: (error: Error) => void = () => {};

  /** @param status As wait(2) has it, once it is known. */
  constructor(
    private readonly client: SessionClient,
    private readonly output: Output,
    private readonly request: RemoteRequest,
    status: () => Promise<number | undefined>,
  ) {
    const failed = new Promise<never>((_, reject) => {
      this.fail = reject;
    });
    failed.catch(() => {});
    if (request.input || request.terminal)
      this.feed = client.input(request.container, (error) => {
        if (!this.over) this.fail(error);
      });
    this.ended = Promise.race([this.listen(status), failed]).finally(() => this.release());
    if (request.input) this.type().catch((error) => this.fail(error as Error));
  }

  signal(signal: number): void {
    const { container: container_id } = this.request;
    this.client
      .tell({ type: 'KILL_NESTED_CONTAINER', kill_nested_container: { container_id, signal } })
      // It may have ended meanwhile, which its output tells.
      .catch(() => {});
  }

  resize(rows: number, columns: number): void {
    if (this.request.terminal) void this.feed?.resize({ rows, columns });
  }

  release(): void {
    this.over = true;
    this.feed?.destroy();
    this.output.on('error', () => {}).destroy();
    process.stdin.destroy();
  }

  private async listen(status: () => Promise<number | undefined>): Promise<ExitDocument> {
    const whole = await follow(this.output, async (stream, data) => {
      const out = stream === 'STDOUT' ? process.stdout : process.stderr;
      if (!out.write(data)) await new Promise((resolve) => out.once('drain', resolve));
    });
    this.over = true;
    if (!whole) throw this.client.unreachable('the connection broke before the program had ended');
    const raw = (await status()) ?? 0;
    const signal = raw & 0x7f;
    return {
      format: 1,
      status: signal === 0 ? (raw >> 8) & 0xff : 128 + signal,
      signal: signal === 0 ? null : signal,
      oom_killed: false,
      finished_at: new Date().toISOString(),
      log_bytes_dropped: 0,
    };
  }

  private async type(): Promise<void> {
    const keys = this.request.terminal ? Buffer.from(this.request.detachKeys, 'hex') : Buffer.alloc(0);
    const watch = new KeyWatch(keys);
    try {
      for await (const piece of process.stdin) {
        const { data, left } = watch.pass(piece as Buffer);
        if (data.length > 0) await this.feed?.write(data);
        if (left) {
          this.request.left();
          return;
        }
      }
    } catch (error) {
      if (this.over) return;
      throw error;
    }
    if (!this.over) await this.feed?.end(!this.request.terminal);
  }
}
