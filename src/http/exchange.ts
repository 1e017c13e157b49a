import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Codec, InvalidMessage, jsonCodec, type MessageName } from '../mesos/codec.js';
import type { Messages } from '../mesos/messages.js';
import type { Identity } from './authentication.js';
import type { Authorization } from './authorization.js';
import { HttpError } from './http-error.js';
import { sendLong } from './long-text.js';
import { requestCodec, responseCodec } from './negotiation.js';
import { RecordStream } from './record-stream.js';

/** One call of the v1 API on its way: its body by the codec it came in, its answer by the one that is asked for. */
export class Exchange {
  private over: AbortController | undefined;

  constructor(
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
    readonly identity: Identity,
    readonly authorization: Authorization,
  ) {}

  /** Throws HttpError 403 unless who asks may do that. */
  need(action: string, subject?: string): void {
    this.authorization.need(this.identity, action, subject);
  }

  get message(): IncomingMessage {
    return this.request.raw;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.at(-1) : value;
  }

  /** Throws HttpError 400 or 415. */
  decode<Name extends MessageName>(name: Name): Messages[Name] {
    const codec = requestCodec(this.header('content-type'));
    const { body } = this.request;
    try {
      return codec.decode(name, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
    } catch (error) {
      if (error instanceof InvalidMessage) throw new HttpError(400, `Failed to parse body: ${error.message}`);
      throw error;
    }
  }

  /** The body of a call that is no message of the v1 API: a JSON object. Throws HttpError 400 or 415. */
  get json(): Record<string, unknown> {
    if (requestCodec(this.header('content-type')) !== jsonCodec)
      throw new HttpError(415, "Expecting 'Content-Type' of application/json");
    try {
      const value: unknown = JSON.parse(
        Buffer.isBuffer(this.request.body) ? this.request.body.toString() : '',
      );
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch {
      // Said below, as for any other text.
    }
    throw new HttpError(400, 'Failed to parse body: it is not a JSON object');
  }

  /** The body of a request that is neither, as UTF-8. */
  get text(): string {
    const { body } = this.request;
    return Buffer.isBuffer(body) ? body.toString('utf8') : '';
  }

  /** The body of a request that is itself a stream of records. */
  get bodyStream(): Readable {
    return this.request.raw;
  }

  /** Throws HttpError 406. */
  get answerCodec(): Codec {
    return responseCodec(this.header('accept'));
  }

  /** Aborted once the connection is over: nobody waits for an answer any more. */
  get gone(): AbortSignal {
    if (this.over === undefined) {
      const over = new AbortController();
      this.over = over;
      if (this.reply.raw.closed) over.abort();
      else this.reply.raw.once('close', () => over.abort());
    }
    return this.over.signal;
  }

  /** What somebody waits for, as long as he does; undefined: he has gone, and there is nobody to answer. */
  async whileHeard<Value>(awaited: Promise<Value>): Promise<Value | undefined> {
    const { gone } = this;
    // Of no interest any more, it may still fail.
    awaited.catch(() => {});
    if (gone.aborted) return undefined;
    let leave = () => {};
    const left = new Promise<undefined>((resolve) => {
      leave = () => resolve(undefined);
      gone.addEventListener('abort', leave);
    });
    try {
      return await Promise.race([awaited, left]);
    } catch (error) {
      if (gone.aborted) return undefined;
      throw error;
    } finally {
      gone.removeEventListener('abort', leave);
    }
  }

  /** 202 with nothing in it. */
  accepted(): void {
    this.reply.code(202).send();
  }

  /** 200 with nothing in it, and no Content-Type. */
  done(): void {
    this.reply.code(200).send();
  }

  answer<Name extends MessageName>(name: Name, message: Messages[Name]): void {
    const codec = this.answerCodec;
    this.reply.code(200).header('Content-Type', codec.contentType).send(codec.encode(name, message));
  }

  /** One that is there as JSON already, in pieces. False: who asks wants it otherwise. Throws HttpError 406. */
  answerText(make: () => Iterable<string>): boolean {
    const codec = this.answerCodec;
    if (codec !== jsonCodec) return false;
    sendLong(this.reply, codec.contentType, make());
    return true;
  }

  /** A refusal that comes later than the handler's own return, when nothing can be thrown any more. */
  refuse(error: HttpError): void {
    this.reply
      .code(error.status)
      .headers({ ...error.headers, 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' })
      .send(Buffer.from(error.message));
  }

  /** Turns the answer into a stream of records. `limit`: see RecordStream. */
  stream(headers: Record<string, string>, limit: number): RecordStream {
    this.reply.hijack();
    return new RecordStream(this.reply.raw, headers, limit);
  }
}
