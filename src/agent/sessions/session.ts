import { Socket } from 'node:net';
import type { ExitDocument } from '../../containerizer/container/document.js';
import { native } from '../../native/index.js';

/** What a session's ends on the side of the container are: descriptors for its supervisor, to be closed once it has them. */
export interface FarEnds {
  stdin: number;
  stdout: number;
  stderr: number;
}

export type StreamName = 'STDOUT' | 'STDERR';

/** Hears a program's output. False: it is behind; `ready` resolves when it has caught up. */
export interface Listener {
  hear(stream: StreamName, data: Buffer): boolean;
  ready(): Promise<void>;
  end(): void;
}

/** This agent's ends of a program's three streams. Output waits for the slowest listener, input for the program: nothing is lost. */
export class Streams {
  readonly input: Socket;
  private readonly outputs: [StreamName, Socket][];
  private readonly listeners = new Set<Listener>();
  /** Resolves when all that was written has been heard. */
  readonly drained: Promise<unknown>;

  private constructor(input: Socket, stdout: Socket, stderr: Socket) {
    this.input = input;
    this.outputs = [
      ['STDOUT', stdout],
      ['STDERR', stderr],
    ];
    // Whoever does not read its input, or ends, is told of by its end.
    input.on('error', () => input.destroy()).resume();
    this.drained = Promise.all(
      this.outputs.map(
        ([name, socket]) =>
          new Promise<void>((resolve) => {
            socket.on('data', (data: Buffer) => this.heard(name, socket, data));
            socket.on('error', () => socket.destroy());
            socket.once('close', () => resolve());
          }),
      ),
    ).then(() => {
      for (const listener of this.listeners) listener.end();
    });
  }

  /** Both sides of new ones. Nothing is read until somebody listens. */
  static open(): { streams: Streams; far: FarEnds } {
    const pairs = [0, 1, 2].map(() => native().streamPair());
    const [stdin = [-1, -1], stdout = [-1, -1], stderr = [-1, -1]] = pairs;
    const socket = ([own]: number[]) => new Socket({ fd: own ?? -1, readable: true, writable: true });
    const [out, err] = [socket(stdout), socket(stderr)];
    out.pause();
    err.pause();
    return {
      streams: new Streams(socket(stdin), out, err),
      far: { stdin: stdin[1], stdout: stdout[1], stderr: stderr[1] },
    };
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    for (const [, socket] of this.outputs) {
      if (socket.destroyed) continue;
      socket.resume();
    }
    if (this.outputs.every(([, socket]) => socket.destroyed)) listener.end();
    return () => this.listeners.delete(listener);
  }

  destroy(): void {
    this.input.destroy();
    for (const [, socket] of this.outputs) socket.destroy();
  }

  private heard(name: StreamName, socket: Socket, data: Buffer): void {
    const behind = [...this.listeners].filter((listener) => !listener.hear(name, data));
    if (behind.length === 0) return;
    socket.pause();
    void Promise.all(behind.map((listener) => listener.ready())).then(() => socket.resume());
  }
}

/** A program whose streams others are connected to: one that was sent into a container, or a container's first. */
export interface Session {
  id: string;
  streams: Streams;
  terminal: boolean;
  ended: Promise<ExitDocument>;
  exit: ExitDocument | undefined;
  /** Somebody gives it input. */
  fed: boolean;
  resize(rows: number, columns: number): void;
  signal(number: number): void;
  /** Lets go of the streams; what was sent in ends. */
  leave(): void;
}
