import { flag, integer, list, map, object, type Shape, ShapeError, text } from '../oci-spec/shape.js';
import { identifier, refined } from './names.js';
import { type Quantity, quantity } from './quantity.js';

/** ace.md, "Isolators", and three that only the specification's own code has (oom-score-adj, cpu-shares, device rates). */
export type Isolator =
  | { name: 'resource/cpu' | 'resource/memory'; request?: Quantity; limit?: Quantity }
  | { name: RateIsolator; limit: Quantity }
  | { name: 'os/linux/capabilities-retain-set' | 'os/linux/capabilities-remove-set'; set: string[] }
  | { name: 'os/linux/seccomp-retain-set' | 'os/linux/seccomp-remove-set'; set: string[]; errno: string }
  | { name: 'os/linux/no-new-privileges'; on: boolean }
  | { name: 'os/linux/oom-score-adj' | 'os/linux/cpu-shares'; amount: number }
  | { name: 'os/linux/selinux-context' }
  | { name: 'os/unix/sysctl'; settings: Record<string, string> }
  /** One that berth does not know. */
  | { name: 'other'; stated: string };

export type RateIsolator = 'resource/block-bandwidth' | 'resource/block-iops' | 'resource/network-bandwidth';

const nonEmpty = refined(
  list(text({ most: 256 }), 1000),
  (set) => set.length > 0,
  'a set with something in it',
);

const share = (name: 'resource/cpu' | 'resource/memory'): Shape<Isolator> =>
  refined(
    (value, at) => {
      const { default: common, ...given } = object({}, { default: flag, request: quantity, limit: quantity })(
        value,
        at,
      );
      if (common === true) throw new ShapeError(`${at}.default`, 'absent or false');
      return { name, ...given } as Isolator;
    },
    () => true,
    '',
  );

const rate =
  (name: RateIsolator): Shape<Isolator> =>
  (value, at) => {
    const given = object({ default: flag, limit: quantity }, { request: text() })(value, at);
    if (!given.default) throw new ShapeError(`${at}.default`, 'true');
    if (given.request !== undefined) throw new ShapeError(`${at}.request`, 'absent');
    return { name, limit: given.limit };
  };

const capabilities =
  (name: 'os/linux/capabilities-retain-set' | 'os/linux/capabilities-remove-set'): Shape<Isolator> =>
  (value, at) => ({ name, set: object({ set: nonEmpty }, {})(value, at).set });

const systemCalls =
  (name: 'os/linux/seccomp-retain-set' | 'os/linux/seccomp-remove-set'): Shape<Isolator> =>
  (value, at) => {
    const errno = text({
      pattern: /^(?:E[A-Z0-9]+)?$/,
      expected: 'the name of an errno, or empty',
      most: 32,
    });
    const given = object({ set: nonEmpty }, { errno })(value, at);
    return { name, set: given.set, errno: given.errno ?? '' };
  };

const known: Record<string, Shape<Isolator>> = {
  'resource/cpu': share('resource/cpu'),
  'resource/memory': share('resource/memory'),
  'resource/block-bandwidth': rate('resource/block-bandwidth'),
  'resource/block-iops': rate('resource/block-iops'),
  'resource/network-bandwidth': rate('resource/network-bandwidth'),
  'os/linux/capabilities-retain-set': capabilities('os/linux/capabilities-retain-set'),
  'os/linux/capabilities-remove-set': capabilities('os/linux/capabilities-remove-set'),
  'os/linux/seccomp-retain-set': systemCalls('os/linux/seccomp-retain-set'),
  'os/linux/seccomp-remove-set': systemCalls('os/linux/seccomp-remove-set'),
  'os/linux/no-new-privileges': (value, at) => ({ name: 'os/linux/no-new-privileges', on: flag(value, at) }),
  'os/linux/oom-score-adj': (value, at) => ({
    name: 'os/linux/oom-score-adj',
    amount: integer(-1000, 1000)(value, at),
  }),
  'os/linux/cpu-shares': (value, at) => ({
    name: 'os/linux/cpu-shares',
    amount: integer(2, 262_144)(value, at),
  }),
  'os/linux/selinux-context': (value, at) => {
    object({}, { user: text(), role: text(), type: text(), level: text() })(value, at);
    return { name: 'os/linux/selinux-context' };
  },
  'os/unix/sysctl': (value, at) => ({
    name: 'os/unix/sysctl',
    settings: map(text({ most: 4096 }), 1000)(value, at),
  }),
};

/** types.md, "Isolator Type". */
const isolator: Shape<Isolator> = (value, at) => {
  const { name } = object({ name: identifier }, {})(value, at);
  const shape = Object.hasOwn(known, name) ? known[name] : undefined;
  const given = (value as { value?: unknown }).value;
  if (given === undefined) throw new ShapeError(`${at}.value`, 'there');
  return shape === undefined ? { name: 'other', stated: name } : shape(given, `${at}.value`);
};

/** Of those that say what an app may do, one may speak: two would leave open which of them counts. */
export const isolators: Shape<Isolator[]> = (value, at) => {
  const all = list(isolator, 1000)(value, at);
  const count = (start: string) => all.filter(({ name }) => name.startsWith(start)).length;
  if (count('os/linux/seccomp-') > 1) throw new ShapeError(at, 'without a second set of system calls');
  for (const name of ['resource/', 'os/unix/sysctl', 'os/linux/cpu-shares', 'os/linux/oom-score-adj']) {
    const names = all.filter((each) => each.name.startsWith(name)).map((each) => each.name);
    if (new Set(names).size < names.length)
      throw new ShapeError(at, `without a second isolator for the same under ${name}`);
  }
  return all;
};
