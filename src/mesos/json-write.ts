import protobuf from 'protobufjs';

type Writer = (value: unknown) => unknown;
type Object_ = Record<string, unknown>;

const writers = new Map<protobuf.Type, Writer>();

/** What JSON.stringify writes as the reference writes it: bytes in base64, infinities as strings. Copies only what has to change. */
export function messageWriter(type: protobuf.Type): Writer {
  const known = writers.get(type);
  if (known !== undefined) return known;
  let members: Map<string, Writer> | undefined;
  const write: Writer = (value) => {
    members ??= memberWriters(type);
    if (members.size === 0) return value;
    let copy: Object_ | undefined;
    for (const [name, writeMember] of members) {
      const given = (value as Object_)[name];
      if (given === undefined) continue;
      const written = writeMember(given);
      if (written === given) continue;
      copy ??= { ...(value as Object_) };
      copy[name] = written;
    }
    return copy ?? value;
  };
  writers.set(type, write);
  return write;
}

/** Only members that may hold something that JSON has no word for. */
function memberWriters(type: protobuf.Type): Map<string, Writer> {
  const members = new Map<string, Writer>();
  for (const field of type.fieldsArray) {
    const single = valueWriter(field);
    if (single !== undefined)
      members.set(field.name, field.map ? each(single) : field.repeated ? every(single) : single);
  }
  return members;
}

function valueWriter(field: protobuf.Field): Writer | undefined {
  if (field.resolvedType instanceof protobuf.Type)
    return holdsSpecial(field.resolvedType, new Set()) ? messageWriter(field.resolvedType) : undefined;
  if (field.type === 'bytes')
    return (value) => {
      const bytes = value as Uint8Array;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
    };
  if (field.type === 'double')
    return (value) => (Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : String(value));
  return undefined;
}

const every =
  (single: Writer): Writer =>
  (value) => {
    const list = value as unknown[];
    const written = list.map(single);
    return written.some((item, i) => item !== list[i]) ? written : value;
  };

const each =
  (single: Writer): Writer =>
  (value) =>
    Object.fromEntries(Object.entries(value as Object_).map(([key, item]) => [key, single(item)]));

function holdsSpecial(type: protobuf.Type, seen: Set<protobuf.Type>): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  return type.fieldsArray.some((field) =>
    field.resolvedType instanceof protobuf.Type
      ? holdsSpecial(field.resolvedType, seen)
      : field.type === 'bytes' || field.type === 'double',
  );
}
