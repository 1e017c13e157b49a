import { type Codec, jsonCodec, protobufCodec } from '../mesos/codec.js';
import { HttpError } from './http-error.js';

const codecs: Record<string, Codec> = {
  [jsonCodec.contentType]: jsonCodec,
  [protobufCodec.contentType]: protobufCodec,
};

/** The media type without its parameters; undefined: none given. */
export function mediaType(header: string | undefined): string | undefined {
  return header?.split(';')[0]?.trim().toLowerCase() || undefined;
}

/** The codec of a request's body by its Content-Type. Throws HttpError 400 or 415. */
export function requestCodec(header: string | undefined, name = 'Content-Type'): Codec {
  const type = mediaType(header);
  if (type === undefined) throw new HttpError(400, `Expecting '${name}' to be present`);
  const codec = codecs[type];
  if (codec !== undefined) return codec;
  throw new HttpError(415, `Expecting '${name}' of ${jsonCodec.contentType} or ${protobufCodec.contentType}`);
}

/** The codec of the answer by the Accept header: JSON where it is allowed, else protobuf. Throws HttpError 406. */
export function responseCodec(accept: string | undefined, name = 'Accept'): Codec {
  const wanted = acceptedTypes(accept);
  if (wanted.length === 0) return jsonCodec;
  if (wanted.some((type) => ['*/*', 'application/*', jsonCodec.contentType].includes(type))) return jsonCodec;
  if (wanted.includes(protobufCodec.contentType)) return protobufCodec;
  throw new HttpError(
    406,
    `Expecting '${name}' to allow ${jsonCodec.contentType} or ${protobufCodec.contentType}`,
  );
}

/** The types of an Accept header; Node has joined several headers into one. Those with a weight of zero are refused ones. */
export function acceptedTypes(accept: string | undefined): string[] {
  return (accept ?? '')
    .split(',')
    .filter((part) => !/;\s*q=0(\.0*)?\s*(;|$)/i.test(part))
    .map((part) => mediaType(part))
    .filter((type) => type !== undefined);
}
