import type { Readable } from 'node:stream';
import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import { requestCodec } from '../../http/negotiation.js';
import { InvalidRecord, RecordReader } from '../../http/record-io.js';
import { type Codec, InvalidMessage } from '../../mesos/codec.js';
import type { AgentCall, AgentProcessIO } from '../../mesos/messages.js';
import type { Session } from './session.js';
import type { Sessions } from './sessions.js';

/** Bytes of one record. */
const recordLimit = 4 * 1024 * 1024;

/**
 * ATTACH_CONTAINER_INPUT: the request is a stream of calls, the first of which names the container; what follows is its input, as fast as the program takes it. Answered when the input or the
 * program has ended.
 */
export async function takeInput(sessions: Sessions, exchange: Exchange): Promise<void> {
  const codec = requestCodec(exchange.header('message-content-type'), 'Message-Content-Type');
  const calls = callsOf(exchange.bodyStream, codec);
  let session: Session | undefined;
  try {
    const { done, value: first } = await calls.next();
    if (done === true) throw new HttpError(400, "Expecting 'attach_container_input' to be present");
    session = await begin(sessions, first);
    await feed(session, calls);
    exchange.done();
  } catch (error) {
    if (error instanceof InvalidRecord || error instanceof InvalidMessage)
      throw new HttpError(400, error.message);
    // The client is gone: there is nobody to answer.
    if (exchange.bodyStream.destroyed && !(error instanceof HttpError)) return;
    throw error;
  } finally {
    if (session !== undefined) sessions.unfeed(session);
  }
}

/** Resolves when the input has ended, or nobody takes it any more. */
async function feed(session: Session, calls: AsyncGenerator<AgentCall>): Promise<void> {
  const over = session.ended.then(
    () => undefined,
    () => undefined,
  );
  for (;;) {
    const next = calls.next();
    // Lost interest in, it may still fail.
    next.catch(() => {});
    const step = await Promise.race([next, over]);
    if (step === undefined || step.done === true) return;
    const { type, attach_container_input: input } = step.value;
    if (type !== 'ATTACH_CONTAINER_INPUT' || input?.type !== 'PROCESS_IO' || input.process_io === undefined)
      throw new HttpError(400, "Expecting 'attach_container_input.process_io' to be present");
    await take(session, input.process_io);
  }
}

async function begin(
  sessions: Sessions,
  { type, attach_container_input: input }: AgentCall,
): Promise<Session> {
  if (type !== 'ATTACH_CONTAINER_INPUT' || input === undefined)
    throw new HttpError(400, "Expecting 'attach_container_input' to be present");
  if (input.type !== 'CONTAINER_ID' || input.container_id === undefined)
    throw new HttpError(400, "Expecting 'attach_container_input.container_id' to be present");
  return sessions.feed(input.container_id);
}

async function take(session: Session, { type, data, control }: AgentProcessIO): Promise<void> {
  if (type === 'CONTROL') {
    const size = control?.type === 'TTY_INFO' ? control.tty_info?.window_size : undefined;
    if (size !== undefined) session.resize(size.rows, size.columns);
    return;
  }
  if (type !== 'DATA' || data?.type !== 'STDIN') throw new HttpError(400, "Expecting data of type 'STDIN'");
  const { input } = session.streams;
  const bytes = data.data ?? new Uint8Array();
  // Nothing stands for the end.
  if (bytes.length === 0) {
    input.end();
    return;
  }
  if (input.destroyed || input.writableEnded || input.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      input.off('drain', go).off('close', go);
      resolve();
    };
    input.once('drain', go).once('close', go);
    session.ended.then(go, go);
  });
}

async function* callsOf(body: Readable, codec: Codec): AsyncGenerator<AgentCall> {
  const reader = new RecordReader(recordLimit);
  for await (const piece of body.iterator({ destroyOnReturn: false }))
    for (const record of reader.push(piece as Buffer)) yield codec.decode('mesos.v1.agent.Call', record);
}
