import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import t from 'tap';
import { frame, InvalidRecord, RecordReader } from '../../src/http/record-io.js';
import { InvalidMessage, jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import { storedReader } from '../../src/mesos/json-read.js';
import { messageWriter } from '../../src/mesos/json-write.js';
import type { Messages, Resource } from '../../src/mesos/messages.js';
import { rebased } from '../../src/mesos/resources/rebase.js';
import { Resources } from '../../src/mesos/resources/resources.js';
import { invalidResources } from '../../src/mesos/resources/validate.js';
import { type MessageName, messageType } from '../../src/mesos/schema.js';
import { project } from '../cli/berth.js';
import { tries } from '../fixtures/tries.js';

/** Any message of a type, its optional members at random, at most so deep. */
function anyMessage(type: protobuf.Type, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  const needed: string[] = [];
  for (const field of type.fieldsArray) {
    const deep = field.resolvedType instanceof protobuf.Type;
    if (depth <= 0 && deep && !field.required) continue;
    const one = anyValue(field, depth - 1);
    members[field.name] = field.map
      ? fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), one, { minKeys: 1, maxKeys: 2 })
      : field.repeated
        ? fc.array(one, { minLength: 1, maxLength: 2 })
        : one;
    if (field.required) needed.push(field.name);
  }
  return fc.record(members, { requiredKeys: needed, noNullPrototype: true });
}

function anyValue(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  if (field.resolvedType instanceof protobuf.Type) return anyMessage(field.resolvedType, depth);
  if (field.resolvedType instanceof protobuf.Enum)
    return fc.constantFrom(...Object.keys(field.resolvedType.values));
  switch (field.type) {
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 8 });
    case 'bytes':
      return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
    case 'bool':
      return fc.boolean();
    case 'double':
      return fc.oneof(fc.double({ noNaN: true }), fc.constant(Number.POSITIVE_INFINITY)).map((n) => n + 0);
    case 'int32':
      return fc.integer();
    case 'uint32':
      return fc.nat();
    default:
      return fc.maxSafeNat();
  }
}

const tried: MessageName[] = [
  'mesos.v1.scheduler.Call',
  'mesos.v1.scheduler.Event',
  'mesos.v1.executor.Event',
  'mesos.v1.master.Response',
  'mesos.v1.agent.Call',
  'berth.v1.Report',
  'berth.v1.Order',
];

t.test('what either codec writes it reads again, the same', async (t) => {
  for (const name of tried) {
    fc.assert(
      fc.property(anyMessage(messageType(name), 3), (message) => {
        const given = message as unknown as Messages[typeof name];
        for (const codec of [jsonCodec, protobufCodec]) {
          const read = codec.decode(name, codec.encode(name, given));
          if (JSON.stringify(sorted(read)) !== JSON.stringify(sorted(message)))
            throw new Error(`${codec.contentType}: ${JSON.stringify(read)}`);
        }
        // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant.
        return /^[\x00-\x7f]*$/.test(jsonCodec.encode(name, given).toString('latin1'));
      }),
      tries(40),
    );
    t.pass(name);
  }
});

/** Members in one order; infinities and minus zero as texts, which JSON.stringify would lose. */
function sorted(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)]);
}

t.test('JSON is read as leniently as the reference reads it', async (t) => {
  const read = (value: unknown) =>
    jsonCodec.decode('mesos.v1.scheduler.Call', Buffer.from(JSON.stringify(value)));
  t.strictSame(
    read({
      type: 'ACCEPT',
      unknown: { member: 1 },
      framework_id: null,
      accept: { offer_ids: { value: 'one' }, operations: null, filters: { refuse_seconds: '2.5' } },
    }),
    { type: 'ACCEPT', accept: { offer_ids: [{ value: 'one' }], filters: { refuse_seconds: 2.5 } } },
  );
  t.strictSame(read({ type: 'OF_THE_FUTURE' }), {}, 'an unknown enum name is unset');
  const info = { user: 'u', name: 'n', checkpoint: 'true', failover_timeout: 'Infinity' };
  t.match(read({ type: 'SUBSCRIBE', subscribe: { framework_info: info } }), {
    subscribe: { framework_info: { checkpoint: true, failover_timeout: Number.POSITIVE_INFINITY } },
  });
  for (const [what, value] of [
    ['a required member that is null', { kill: { task_id: null } }],
    ['a number for a text', { kill: { task_id: { value: 1 } } }],
    ['no base64', { acknowledge: { agent_id: { value: '' }, task_id: { value: '' }, uuid: '!' } }],
    ['a list for a message', { kill: [] }],
    ['a fraction of a text', { subscribe: { framework_info: { ...info, failover_timeout: '1x' } } }],
  ] as const)
    t.equal(
      kindOf(() => read(value)),
      InvalidMessage,
      what,
    );
  t.equal(
    kindOf(() => protobufCodec.decode('mesos.v1.scheduler.Call', Buffer.from([0x0a]))),
    InvalidMessage,
  );
});

t.test(
  'the binary encoding says nothing that JSON has no word for, and a store takes back what it was given',
  async (t) => {
    const task = { name: '', task_id: { value: 'a' }, agent_id: { value: 'b' } };
    // With enums as on the wire: whatever they are, nobody looks.
    const raw = (message: object) =>
      messageType('mesos.v1.TaskInfo')
        .encode(message as never)
        .finish();
    const bad = [
      ['NaN', { ...task, check: { type: 3, delay_seconds: Number.NaN } }],
      ['NaN in a map', { ...task, limits: { mem: { value: Number.NaN } } }],
      [
        'a required enum of the future',
        { ...task, container: { type: 2, volumes: [{ container_path: '/v', mode: 77 }] } },
      ],
    ] as const;
    for (const [what, message] of bad)
      t.equal(
        kindOf(() => protobufCodec.decode('mesos.v1.TaskInfo', raw(message))),
        InvalidMessage,
        what,
      );
    const read = protobufCodec.decode('mesos.v1.TaskInfo', raw({ ...task, check: { type: 99 } }));
    t.strictSame(read.check, {}, 'an unknown value that nothing requires is unset');
    const type = messageType('mesos.v1.TaskStatus');
    const status = { task_id: { value: 'a' }, state: 'TASK_RUNNING', timestamp: Number.NaN };
    const document: unknown = JSON.parse(JSON.stringify(messageWriter(type)(status)));
    t.strictSame(storedReader(type)(document, ''), status);
  },
);

t.test('records come out as they went in, whatever the pieces', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 })),
      fc.array(fc.integer({ min: 1, max: 30 })),
      (records, cuts) => {
        const stream = Buffer.concat(records.map(frame));
        const reader = new RecordReader(40);
        const read: Buffer[] = [];
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          read.push(...reader.push(stream.subarray(at, at + cut)));
          at += cut;
        }
        return reader.atBoundary && Buffer.concat(read.map(frame)).equals(stream);
      },
    ),
    tries(100),
  );
  for (const bad of ['41\n', '-1\n', '\n', 'x', '1'.repeat(21), '1 \n'])
    t.equal(
      kindOf(() => new RecordReader(40).push(Buffer.from(bad))),
      InvalidRecord,
      JSON.stringify(bad),
    );
});

const amounts = fc.record({
  cpus: fc.nat({ max: 100_000 }),
  begin: fc.nat({ max: 50 }),
  length: fc.nat({ max: 20 }),
  items: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd')),
  role: fc.constantFrom(undefined, 'x', 'x/y'),
});

const bag = fc.array(amounts, { maxLength: 4 }).map((parts) =>
  Resources.of(
    parts.flatMap(({ cpus, begin, length, items, role }): Resource[] => {
      const reserved = role === undefined ? {} : { reservations: [{ type: 'STATIC' as const, role }] };
      return [
        { name: 'cpus', type: 'SCALAR', scalar: { value: cpus / 1000 }, ...reserved },
        { name: 'ports', type: 'RANGES', ranges: { range: [{ begin, end: begin + length }] }, ...reserved },
        { name: 'names', type: 'SET', set: { item: items }, ...reserved },
      ];
    }),
  ),
);

t.test('resources add up: scalars in thousandths, ranges, sets, each reservation by itself', async (t) => {
  fc.assert(
    fc.property(bag, bag, (a, b) => {
      const sum = a.clone().add(b);
      const rest = sum.clone().subtract(b);
      return (
        sum.contains(a) &&
        sum.contains(b) &&
        sum.equals(b.clone().add(a)) &&
        a.contains(rest) &&
        rest.scalar('cpus') === a.scalar('cpus') &&
        (!a.contains(b) || a.clone().subtract(b).add(b).equals(a)) &&
        Resources.of(sum.toList()).equals(sum) &&
        invalidResources(sum.toList()) === undefined
      );
    }),
    tries(100),
  );
  const tenth = Resources.of([{ name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } }]);
  const total = new Resources();
  for (let i = 0; i < 30; i++) total.add(tenth);
  t.equal(total.scalar('cpus'), 3000, 'thirty tenths are three');
  const older = Resources.of([
    { name: 'cpus', type: 'SCALAR', scalar: { value: 1 }, role: 'a', reservation: { principal: 'p' } },
  ]);
  t.strictSame(older.toList()[0]?.reservations, [{ type: 'DYNAMIC', role: 'a', principal: 'p' }]);
  t.match(older.toList({ refined: false })[0], {
    role: 'a',
    reservation: { principal: 'p' },
    reservations: undefined,
  });
});

t.test(
  'a host with other resources keeps what was made of the former ones, and gives no more than it has',
  async (t) => {
    const scalar = (name: string, value: number): Resource => ({ name, type: 'SCALAR', scalar: { value } });
    const range = (begin: number, end: number): Resource => ({
      ...{ name: 'ports', type: 'RANGES', ranges: { range: [{ begin, end }] } },
    });
    const reservations = [{ type: 'DYNAMIC' as const, role: 'web' }];
    const made: Resource[] = [
      { ...scalar('cpus', 1), reservations },
      { ...range(31_000, 31_009), reservations },
      { ...scalar('disk', 100), reservations, disk: { persistence: { id: 'x', principal: 'p' } } },
    ];
    const rest = [scalar('cpus', 3), range(31_010, 31_999), scalar('disk', 900)];
    const total = [...rest, ...made];
    const size = (resources: Resource[]) => rebased(total, resources).scalar('cpus');
    const same = [scalar('cpus', 4), range(31_000, 31_999), scalar('disk', 1000)];
    t.ok(rebased(total, same).equals(Resources.of(total)), 'the same host');
    t.equal(size([scalar('cpus', 6)]), 6000, 'a larger one');
    t.equal(size([scalar('cpus', 2)]), 2000, 'a smaller one');
    t.equal(size([scalar('cpus', 0.5)]), 1000, 'one that has less than is reserved');
    const shrunk = rebased(total, [scalar('cpus', 0.5)]).toList();
    t.ok(rebased(shrunk, same).contains(Resources.of(made)));
    t.equal(rebased(shrunk, same).scalar('cpus'), 4000, 'and has grown again');
  },
);

t.test('however many ranges there are, and however large a scalar', async (t) => {
  const ranges = (count: number): Resource => ({
    ...{ name: 'ports', type: 'RANGES' },
    ranges: {
      range: Array.from({ length: count }, (_, i) => ({ begin: (count - i) * 2, end: (count - i) * 2 })),
    },
  });
  // Each beside each other would be ten thousand million looks.
  t.equal(invalidResources([ranges(100_000)]), undefined);
  const twice: Resource = {
    name: 'ports',
    type: 'RANGES',
    ranges: {
      range: [
        { begin: 5, end: 9 },
        { begin: 1, end: 5 },
      ],
    },
  };
  t.match(invalidResources([twice]), /overlap/);
  const huge: Resource = { name: 'mem', type: 'SCALAR', scalar: { value: 1e300 } };
  t.match(invalidResources([huge]), /no amount/);
});

t.test('the TypeScript face is made from the protocol', async (t) => {
  const { status } = spawnSync('node', ['scripts/mesos-messages.mjs', '--check'], { cwd: project });
  t.equal(status, 0, 'node scripts/mesos-messages.mjs writes it anew');
});

/** The class of what is thrown. */
function kindOf(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as Error).constructor;
  }
}
