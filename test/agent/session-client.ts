import http from 'node:http';
import { frame, RecordReader } from '../../src/http/record-io.js';
import { type Codec, jsonCodec } from '../../src/mesos/codec.js';
import type {
  AgentCall,
  AgentProcessIO,
  AgentResponse,
  ContainerID,
  ContainerInfo,
} from '../../src/mesos/messages.js';
import { post } from '../master-lite/scheduler-client.js';

/** What a client hears of a container's output. */
export class Output {
  stdout = '';
  stderr = '';
  bytes = 0;
  /** The first that was heard. */
  head = '';
  ended = false;
  readonly controls: AgentProcessIO[] = [];
  status = 0;
  headers: http.IncomingHttpHeaders = {};
  response: http.IncomingMessage | undefined;
  private request: http.ClientRequest | undefined;

  /** Resolves when the answer has begun. `keep`: what is heard is kept; else counted. */
  open(url: string, call: AgentCall, codec: Codec, keep = true): Promise<this> {
    return new Promise((resolve, reject) => {
      const request = http.request(`${url}/api/v1`, {
        method: 'POST',
        agent: false,
        headers: {
          'Content-Type': codec.contentType,
          Accept: 'application/recordio',
          'Message-Accept': codec.contentType,
        },
      });
      this.request = request;
      request.on('error', reject);
      request.on('response', (response) => {
        this.response = response;
        this.status = response.statusCode ?? 0;
        this.headers = response.headers;
        const reader = new RecordReader(1 << 24);
        response.on('data', (piece: Buffer) => {
          if (this.status !== 200) {
            this.stderr += piece.toString();
            return;
          }
          for (const record of reader.push(piece))
            this.hear(codec.decode('mesos.v1.agent.ProcessIO', record), keep);
        });
        response.on('error', () => {});
        response.on('close', () => {
          this.ended = true;
        });
        resolve(this);
      });
      request.end(codec.encode('mesos.v1.agent.Call', call));
    });
  }

  close(): void {
    this.request?.on('error', () => {});
    this.request?.destroy();
  }

  private hear(io: AgentProcessIO, keep: boolean): void {
    if (io.type === 'CONTROL') this.controls.push(io);
    const { type, data } = io.data ?? {};
    this.bytes += data?.length ?? 0;
    if (this.head.length < 64) this.head += Buffer.from(data ?? []).toString('latin1', 0, 64);
    if (!keep || data === undefined) return;
    if (type === 'STDOUT') this.stdout += Buffer.from(data).toString();
    if (type === 'STDERR') this.stderr += Buffer.from(data).toString();
  }
}

/** Input of a container, record by record. */
export class Input {
  readonly request: http.ClientRequest;
  /** Of the answer. */
  readonly status: Promise<number>;

  constructor(
    url: string,
    container_id: ContainerID,
    private readonly codec: Codec = jsonCodec,
  ) {
    this.request = http.request(`${url}/api/v1`, {
      method: 'POST',
      agent: false,
      headers: { 'Content-Type': 'application/recordio', 'Message-Content-Type': codec.contentType },
    });
    this.status = new Promise((resolve) => {
      this.request.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      this.request.on('error', () => resolve(-1));
    });
    this.send({ type: 'CONTAINER_ID', container_id });
  }

  /** False: it is behind. */
  write(text: string | Buffer): boolean {
    const data = Buffer.from(text as string);
    return this.send({ type: 'PROCESS_IO', process_io: { type: 'DATA', data: { type: 'STDIN', data } } });
  }

  resize(rows: number, columns: number): void {
    const control = { type: 'TTY_INFO' as const, tty_info: { window_size: { rows, columns } } };
    this.send({ type: 'PROCESS_IO', process_io: { type: 'CONTROL', control } });
  }

  end(): Promise<number> {
    this.write('');
    this.request.end();
    return this.status;
  }

  private send(attach_container_input: AgentCall['attach_container_input']): boolean {
    const call: AgentCall = { type: 'ATTACH_CONTAINER_INPUT', attach_container_input };
    return this.request.write(frame(this.codec.encode('mesos.v1.agent.Call', call)));
  }
}

/** A session of `/bin/sh -c VALUE` in the container that is the id's parent. */
export function launch(container_id: ContainerID, value: string, container?: ContainerInfo): AgentCall {
  return {
    type: 'LAUNCH_NESTED_CONTAINER_SESSION',
    launch_nested_container_session: {
      container_id,
      command: { value },
      ...(container !== undefined && { container }),
    },
  };
}

export async function ask(
  url: string,
  call: AgentCall,
): Promise<{ status: number; response: Partial<AgentResponse>; type: string | undefined }> {
  const answer = await post(url, '/api/v1', {
    body: jsonCodec.encode('mesos.v1.agent.Call', call),
    headers: { 'Content-Type': 'application/json' },
  });
  const response =
    answer.status === 200 && answer.body.length > 0
      ? jsonCodec.decode('mesos.v1.agent.Response', answer.body)
      : {};
  return { status: answer.status, response, type: answer.headers['content-type'] };
}
