import { InvalidArgumentError } from 'commander';

type Stated = { name: string } & Record<string, unknown>;

const volumeMembers: Record<string, (text: string) => unknown> = {
  kind: (text) => text,
  source: (text) => text,
  mode: (text) => text,
  readOnly: truth,
  recursive: truth,
  uid: number,
  gid: number,
};

/** `NAME,kind=host,source=DIR,…`, as actool and rkt take it. */
export function podVolume(text: string): Stated {
  const [name = '', ...pairs] = text.split(',');
  const members: Record<string, unknown> = {};
  for (const pair of pairs) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    const read = Object.hasOwn(volumeMembers, key) ? volumeMembers[key] : undefined;
    if (read === undefined || Object.hasOwn(members, key))
      throw new InvalidArgumentError(
        `${pair} is no member of a volume, or one that was there before: ${Object.keys(volumeMembers).join(', ')} are.`,
      );
    members[key] = read(value);
  }
  if (name === '' || members['kind'] === undefined)
    throw new InvalidArgumentError('It is NAME,kind=host,source=DIR or NAME,kind=empty.');
  return { name, ...members };
}

/** `NAME:[IP:]PORT`. */
export function podPort(text: string): Stated {
  const [, name, hostIP, port] = /^([^:]+):(?:([0-9.]+):)?(\d{1,5})$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It is NAME:[IP:]PORT, NAME being an app's.");
  return { name, hostPort: Number(port), ...(hostIP === undefined ? {} : { hostIP }) };
}

function truth(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError('It is true or false.');
}

function number(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number.');
}
