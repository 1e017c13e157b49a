import protobuf from 'protobufjs';
import { InvalidMessage } from './json-read.js';

type Check = (value: unknown, where: string) => unknown;
type Object_ = Record<string, unknown>;

/** Stands for a value that counts as not given. */
const unset = Symbol('unset');
const checks = new Map<protobuf.Type, Check>();

/**
 * Holds a message of the binary encoding to what JSON can say too, or the two would not be the same language: no NaN, and an enum value that this version does not know is unset.
 * Mends the message itself. Throws InvalidMessage.
 */
export function messageCheck(type: protobuf.Type): Check {
  const known = checks.get(type);
  if (known !== undefined) return known;
  // Filled on first use: messages may hold themselves.
  let members: [field: protobuf.Field, check: Check][] | undefined;
  const check: Check = (value, where) => {
    members ??= type.fieldsArray.flatMap((field) => {
      const single = valueCheck(field);
      return single === undefined ? [] : [[field, single] as [protobuf.Field, Check]];
    });
    const message = value as Object_;
    for (const [field, checkMember] of members) {
      const given = message[field.name];
      if (given === undefined) continue;
      const here = where === '' ? field.name : `${where}.${field.name}`;
      if (Array.isArray(given)) {
        const kept = given.filter((each, i) => checkMember(each, `${here}[${i}]`) !== unset);
        if (kept.length < given.length) message[field.name] = kept;
      } else if (field.map) {
        for (const [key, each] of Object.entries(given as Object_))
          if (checkMember(each, `${here}.${key}`) === unset) delete (given as Object_)[key];
      } else if (checkMember(given, here) === unset) {
        if (field.required) throw new InvalidMessage(`Missing required field '${here}'`);
        delete message[field.name];
      }
    }
    return value;
  };
  checks.set(type, check);
  return check;
}

function valueCheck(field: protobuf.Field): Check | undefined {
  if (field.resolvedType instanceof protobuf.Type)
    return isPlain(field.resolvedType, new Set()) ? undefined : messageCheck(field.resolvedType);
  if (field.resolvedType instanceof protobuf.Enum)
    return (value) => (typeof value === 'string' ? value : unset);
  if (field.type !== 'double') return undefined;
  return (value, where) => {
    if (Number.isNaN(value)) throw new InvalidMessage(`${where} is not a number`);
    return value;
  };
}

/** Nothing in it needs a look. */
function isPlain(type: protobuf.Type, seen: Set<protobuf.Type>): boolean {
  if (seen.has(type)) return true;
  seen.add(type);
  return type.fieldsArray.every((field) =>
    field.resolvedType instanceof protobuf.Type
      ? isPlain(field.resolvedType, seen)
      : !(field.resolvedType instanceof protobuf.Enum) && field.type !== 'double',
  );
}
