import type http from 'node:http';
import { BerthError } from '../../errors/berth-error.js';
import { connectionTrouble } from '../../errors/no-connection.js';
import { type ErrorCode, errorTable } from '../../errors/table.js';
import { frame, RecordReader } from '../../http/record-io.js';
import type { ContainerID, TTYInfoWindowSize } from '../../mesos/messages.js';
import { type Access, trustMend } from './access.js';
import { authorization } from './agent-client.js';

/** Bytes of the longest record of output. */
const recordLimit = 8 * 1024 * 1024;

/** A stream of output, as records of JSON. */
export type Output = http.IncomingMessage;

/** Speaks of programs and their streams with an agent (docs/reference/executors.md), in JSON. */
export class SessionClient {
  private readonly requests = new Set<http.ClientRequest>();

  /** @param address HOST:PORT. */
  constructor(
    private readonly address: string,
    private readonly access: Access,
  ) {}

  /** Resolves when the answer to a call has begun. */
  async open(call: object): Promise<Output> {
    const response = await this.send('application/json', (request) => request.end(JSON.stringify(call)));
    if (response.statusCode === 200) return response;
    throw await this.refusal(response);
  }

  /** The status of a program, as wait(2) has it; undefined: nobody knows it. */
  async wait(container_id: ContainerID): Promise<number | undefined> {
    const response = await this.open({
      type: 'WAIT_NESTED_CONTAINER',
      wait_nested_container: { container_id },
    });
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part as string;
    const body = JSON.parse(text) as { wait_nested_container?: { exit_status?: number } };
    return body.wait_nested_container?.exit_status;
  }

  async tell(call: object): Promise<void> {
    (await this.open(call)).resume();
  }

  /** Input of a program; why it was refused is told to `refused`. */
  input(container_id: ContainerID, refused: (error: BerthError) => void): Input {
    let begun: ((request: http.ClientRequest) => void) | undefined;
    const request = new Promise<http.ClientRequest>((resolve) => {
      begun = resolve;
    });
    this.send('application/recordio', (made) => begun?.(made)).then(
      async (response) => {
        if (response.statusCode === 200) response.resume();
        else refused(await this.refusal(response));
      },
      // Its end tells what has become of the agent.
      () => {},
    );
    return new Input(request, container_id);
  }

  private send(type: string, begin: (request: http.ClientRequest) => void): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = {
        'Content-Type': type,
        'Message-Content-Type': 'application/json',
        Accept: 'application/recordio, application/json',
        'Message-Accept': 'application/json',
      };
      const url = this.access.url(this.address, '/api/v1');
      const request = this.access.request(url, { method: 'POST', headers }, authorization());
      this.requests.add(request);
      request.once('close', () => this.requests.delete(request));
      request.on('error', (error) => reject(this.unreachable(connectionTrouble(error), trustMend(error))));
      request.once('response', resolve);
      begin(request);
    });
  }

  /** Gives up whatever has not been answered. */
  close(): void {
    for (const request of this.requests) request.destroy();
  }

  unreachable(why: string, mend?: string): BerthError {
    return new BerthError('AGENT_UNREACHABLE', {
      what: `agent ${this.address}`,
      why,
      ...(mend !== undefined && { mend }),
    });
  }

  private async refusal(response: http.IncomingMessage): Promise<BerthError> {
    let text = '';
    for await (const part of response.setEncoding('utf8')) text = `${text}${part as string}`.slice(0, 500);
    const given = String(response.headers['berth-error'] ?? '');
    const code: ErrorCode = Object.hasOwn(errorTable, given) ? (given as ErrorCode) : 'AGENT_REFUSED';
    const why = text.trim() === '' ? `it answered with status ${response.statusCode}` : text.trim();
    const mend = 'Set BERTH_AGENT_TOKEN, or BERTH_AGENT_PASSWORD to NAME:SECRET.';
    return new BerthError(code, {
      what: `agent ${this.address}`,
      why,
      ...(response.statusCode === 401 && { mend }),
    });
  }
}

/** What goes into a program, record by record. */
export class Input {
  private readonly ready: Promise<http.ClientRequest>;

  constructor(request: Promise<http.ClientRequest>, container_id: ContainerID) {
    this.ready = request.then((made) => {
      made.write(record({ type: 'CONTAINER_ID', container_id }));
      return made;
    });
  }

  /** Resolves when there is room for more. */
  async write(data: Buffer): Promise<void> {
    const request = await this.ready;
    const process_io = { type: 'DATA', data: { type: 'STDIN', data: data.toString('base64') } };
    if (request.destroyed || request.write(record({ type: 'PROCESS_IO', process_io }))) return;
    await new Promise<void>((resolve) => {
      request.once('drain', resolve).once('close', resolve);
    });
  }

  /** Nothing stands for the end of the input; of the records only then where no more is to come. */
  async end(last: boolean): Promise<void> {
    await this.write(Buffer.alloc(0));
    if (last) (await this.ready).end();
  }

  async resize(window_size: TTYInfoWindowSize): Promise<void> {
    const control = { type: 'TTY_INFO', tty_info: { window_size } };
    (await this.ready).write(record({ type: 'PROCESS_IO', process_io: { type: 'CONTROL', control } }));
  }

  destroy(): void {
    void this.ready.then((request) => request.on('error', () => {}).destroy());
  }
}

function record(attach_container_input: object): Buffer {
  return frame(Buffer.from(JSON.stringify({ type: 'ATTACH_CONTAINER_INPUT', attach_container_input })));
}

/** Hands on what a program writes, waiting for whoever takes it. Resolves at its end; false: the connection broke. */
export async function follow(
  output: Output,
  take: (stream: 'STDOUT' | 'STDERR', data: Buffer) => Promise<void>,
): Promise<boolean> {
  const reader = new RecordReader(recordLimit);
  try {
    for await (const piece of output)
      for (const one of reader.push(piece as Buffer)) {
        const io = JSON.parse(one.toString()) as { data?: { type?: string; data?: string } };
        const { type, data } = io.data ?? {};
        if (data !== undefined && (type === 'STDOUT' || type === 'STDERR'))
          await take(type, Buffer.from(data, 'base64'));
      }
    return output.complete;
  } catch (error) {
    if (output.destroyed && !output.complete) return false;
    throw error;
  }
}
