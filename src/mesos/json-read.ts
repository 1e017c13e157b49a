import protobuf from 'protobufjs';

/** What is wrong with a message, by the path of the member. */
export class InvalidMessage extends Error {}

type Reader = (value: unknown, where: string) => unknown;
type Fields = [name: string, read: Reader, required: boolean][];

/** Stands for a value that counts as not given: an enum name that this version does not know. */
const unset = Symbol('unset');
const readers = new Map<protobuf.Type, Reader>();
const storedReaders = new Map<protobuf.Type, Reader>();

/**
 * Makes a message of parsed JSON as the reference does: null is unset, unknown members are passed over, one object may stand for a list of
 * one, numbers and booleans may be strings, bytes are base64, an unknown enum name is unset. Throws InvalidMessage.
 */
export function messageReader(type: protobuf.Type): Reader {
  return readerOf(type, false);
}

/** The same of what messageWriter has written: a store takes back whatever it was given, also what nobody may send. */
export function storedReader(type: protobuf.Type): Reader {
  return readerOf(type, true);
}

function readerOf(type: protobuf.Type, stored: boolean): Reader {
  const all = stored ? storedReaders : readers;
  const known = all.get(type);
  if (known !== undefined) return known;
  // Filled on first use: messages may hold themselves.
  let fields: Fields | undefined;
  const read: Reader = (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new InvalidMessage(`${where || type.name} is not an object`);
    fields ??= type.fieldsArray.map((field) => [field.name, fieldReader(field, stored), field.required]);
    const message: Record<string, unknown> = {};
    for (const [name, readField, required] of fields) {
      const given = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
      const here = where === '' ? name : `${where}.${name}`;
      const result = given === undefined || given === null ? unset : readField(given, here);
      if (result !== unset) message[name] = result;
      else if (required) throw new InvalidMessage(`Missing required field '${here}'`);
    }
    return message;
  };
  all.set(type, read);
  return read;
}

function fieldReader(field: protobuf.Field, stored: boolean): Reader {
  const single = valueReader(field, stored);
  if (field.map) {
    return (value, where) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new InvalidMessage(`${where} is not an object`);
      const entries = Object.entries(value).map(([key, each]) => [key, single(each, `${where}.${key}`)]);
      return Object.fromEntries(entries.filter(([, each]) => each !== unset));
    };
  }
  if (!field.repeated) return single;
  return (value, where) => {
    const list = Array.isArray(value) ? value : [value];
    return list.map((each, i) => single(each, `${where}[${i}]`)).filter((each) => each !== unset);
  };
}

function valueReader(field: protobuf.Field, stored: boolean): Reader {
  if (field.resolvedType instanceof protobuf.Type) return readerOf(field.resolvedType, stored);
  if (field.resolvedType instanceof protobuf.Enum) return enumReader(field.resolvedType);
  switch (field.type) {
    case 'string':
      return (value, where) => {
        if (typeof value === 'string') return value;
        throw new InvalidMessage(`${where} is not a string`);
      };
    case 'bytes':
      return stored ? readStoredBytes : readBytes;
    case 'bool':
      return (value, where) => {
        if (value === true || value === 'true') return true;
        if (value === false || value === 'false') return false;
        throw new InvalidMessage(`${where} is not a boolean`);
      };
    case 'double':
      return stored ? readStoredDouble : readDouble;
    default:
      return integerReader(field.type);
  }
}

function readBytes(value: unknown, where: string): Buffer {
  if (typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)) return Buffer.from(value, 'base64');
  throw new InvalidMessage(`${where} is not base64`);
}

/** Also as JSON.stringify has a Buffer, and any other array of bytes: masters have kept tasks so. */
const readStoredBytes: Reader = (value, where) => {
  if (typeof value !== 'object' || value === null) return readBytes(value, where);
  const bytes = (value as { type?: unknown }).type === 'Buffer' ? (value as { data?: unknown }).data : value;
  return Buffer.from(Object.values(bytes ?? []).filter((each) => typeof each === 'number'));
};

function readDouble(value: unknown, where: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && /^(-?Infinity|-?\d+(\.\d+)?([eE][+-]?\d+)?)$/.test(value))
    return Number(value);
  throw new InvalidMessage(`${where} is not a number`);
}

const readStoredDouble: Reader = (value, where) => (value === 'NaN' ? Number.NaN : readDouble(value, where));

/** The first number below, and the first above, what fits. */
const bounds: Record<string, [least: number, most: number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 63), 2 ** 63],
  uint64: [0, 2 ** 64],
};

function integerReader(kind: string): Reader {
  const [least, most] = bounds[kind] ?? [0, 0];
  return (value, where) => {
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number) && number >= least && number <= most)
      return Math.trunc(number);
    throw new InvalidMessage(`${where} is not an integer from ${least} to ${most}`);
  };
}

function enumReader(type: protobuf.Enum): Reader {
  return (value, where) => {
    if (typeof value === 'string') return Object.hasOwn(type.values, value) ? value : unset;
    if (typeof value === 'number') return type.valuesById[value] ?? unset;
    throw new InvalidMessage(`${where} is not the name of an enum value`);
  };
}
