import { messageCheck } from './decoded.js';
import { InvalidMessage, messageReader } from './json-read.js';
import { messageWriter } from './json-write.js';
import type { Messages } from './messages.js';
import { type MessageName, messageType } from './schema.js';

export { InvalidMessage } from './json-read.js';
export type { MessageName } from './schema.js';

/** One of the two encodings of the v1 API. Messages in memory are plain objects (messages.ts) with both. */
export interface Codec {
  readonly contentType: 'application/json' | 'application/x-protobuf';
  encode<Name extends MessageName>(name: Name, message: Messages[Name]): Buffer;
  /** Throws InvalidMessage. */
  decode<Name extends MessageName>(name: Name, bytes: Uint8Array): Messages[Name];
}

export const jsonCodec: Codec = {
  contentType: 'application/json',
  encode: (name, message) => Buffer.from(jsonText(messageWriter(messageType(name))(message)), 'latin1'),
  decode(name, bytes) {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    } catch (error) {
      throw new InvalidMessage(error instanceof Error ? error.message : String(error));
    }
    return messageReader(messageType(name))(value, '') as Messages[typeof name];
  },
};

export const protobufCodec: Codec = {
  contentType: 'application/x-protobuf',
  encode(name, message) {
    const type = messageType(name);
    const bytes = type.encode(type.fromObject(message)).finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  },
  decode(name, bytes) {
    const type = messageType(name);
    try {
      const message = type.toObject(type.decode(bytes), plainObjects);
      return messageCheck(type)(message, '') as Messages[typeof name];
    } catch (error) {
      if (error instanceof InvalidMessage) throw error;
      throw new InvalidMessage(error instanceof Error ? error.message : String(error));
    }
  },
};

const plainObjects = { enums: String, longs: Number, bytes: Buffer } as const;

/**
 * JSON in ASCII: what is beyond stands as \uXXXX. A client of Node's that compares the length of a record with that of its text
 * would wait for ever otherwise.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant.
  return /[^\x00-\x7f]/.test(text)
    ? text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : text;
}
