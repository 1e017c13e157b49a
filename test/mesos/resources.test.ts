import t from 'tap';
import type { Resource } from '../../src/mesos/messages.js';
import { invalidResources, invalidRole } from '../../src/mesos/resources/validate.js';

const scalar = (value: number, more: Partial<Resource> = {}): Resource => ({
  name: 'cpus',
  type: 'SCALAR',
  scalar: { value },
  ...more,
});
const ranges = (...all: [number, number][]): Resource => ({
  name: 'ports',
  type: 'RANGES',
  ranges: { range: all.map(([begin, end]) => ({ begin, end })) },
});
const reserved = (...roles: string[]): Partial<Resource> => ({
  reservations: roles.map((role) => ({ type: 'DYNAMIC', role })),
});

t.test('resources that cannot be counted are refused, each for what is wrong with it', async (t) => {
  const cases: [Resource, RegExp][] = [
    [scalar(1, { name: '' }), /name is empty/],
    [scalar(-1), /-1 is no amount/],
    [scalar(Number.NaN), /no amount/],
    [scalar(1e12 + 1), /is no amount/],
    [scalar(Number.POSITIVE_INFINITY), /no amount/],
    [{ name: 'cpus', type: 'SCALAR' }, /not one scalar/],
    [scalar(1, { ranges: {} }), /not one scalar/],
    [scalar(1, { set: {} }), /not one scalar/],
    [{ name: 'ports', type: 'RANGES' }, /not ranges/],
    [{ ...ranges([1, 2]), scalar: { value: 1 } }, /not ranges/],
    [ranges([2, 1]), /\[2-1\] is no range/],
    [ranges([-1, 1]), /is no range/],
    [ranges([1, 2 ** 53]), /is no range/],
    [ranges([1, 5], [5, 9]), /overlap/],
    [ranges([3, 5], [1, 3]), /overlap/],
    [{ name: 'x', type: 'SET' }, /not a set/],
    [{ name: 'x', type: 'SET', set: { item: ['a', 'a'] } }, /twice/],
    [{ name: 'x', type: 'TEXT' }, /TEXT is not for resources/],
    [scalar(1, { role: 'a', ...reserved('a') }), /both/],
    [scalar(1, { reservation: {} }), /reserved to role '\*'/],
    [scalar(1, reserved('*')), /reserved to role '\*'/],
    [scalar(1, reserved('/a')), /slash/],
    [scalar(1, reserved('a', 'b')), /'b' does not refine 'a'/],
  ];
  for (const [resource, why] of cases) {
    t.match(invalidResources([resource]), why);
    t.match(invalidResources([scalar(1), resource]), why, 'wherever it stands');
  }
  const good = [
    scalar(0),
    scalar(1e12),
    ranges([1, 2 ** 53 - 1]),
    ranges([3, 5], [1, 2]),
    scalar(1, { role: 'a', reservation: {} }),
    scalar(1, reserved('a', 'a/b')),
    { name: 'x', type: 'SET' as const, set: { item: ['a', 'b'] } },
  ];
  t.equal(invalidResources(good), undefined);
});

t.test('roles that would be mistaken for others are refused', async (t) => {
  const bad = ['', '/a', 'a/', 'a//b', '.', '..', 'a/..', '-a', 'a/-b', 'a/*', 'a b', 'a\tb', 'a\\b'];
  for (const role of [...bad, 'a\u007f', 'a\b']) t.match(invalidRole(role), /role/, JSON.stringify(role));
  for (const role of ['*', 'a', 'a/b', 'a-b', 'ä']) t.equal(invalidRole(role), undefined, role);
});
