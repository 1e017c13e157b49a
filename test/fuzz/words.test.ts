import { Command, CommanderError, InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import t from 'tap';
import { podManifestShape } from '../../src/appc-spec/pod-manifest.js';
import { containerOptions, declareRunFlags } from '../../src/cli/run-flags/index.js';
import { describeConfig } from '../../src/containerizer/container/describe/config.js';
import { BerthError } from '../../src/errors/berth-error.js';
import { InvalidRecord, RecordReader } from '../../src/http/record-io.js';
import { InvalidMessage, jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import { ShapeError } from '../../src/oci-spec/shape.js';
import { mutated, pieced, tries } from '../fixtures/tries.js';

/** One of them may be what a caller's input is refused with; anything else is a defect. */
function passOver(error: unknown, ...kinds: (new (...given: never[]) => Error)[]): void {
  if (!kinds.some((kind) => error instanceof kind)) throw error;
}

const flags = (() => {
  const command = new Command();
  declareRunFlags(command);
  return command.options.map(({ long, required, optional }) => ({
    long: long ?? '',
    value: required || optional,
  }));
})();

// No word of a command line has a NUL in it.
const values = pieced(
  ...[
    '/',
    'a',
    'A=b',
    '=',
    ':',
    ',',
    '.',
    '..',
    '0',
    '1',
    '-1',
    '512m',
    '1g',
    '0.5',
    '10s',
    'ro',
    'rw',
    'host',
    'none',
    'auto',
  ],
  ...[
    'container:',
    'bridge',
    'tcp',
    'udp',
    '127.0.0.1',
    '[::1]',
    '80',
    '8080-8081',
    'nofile',
    'SIGTERM',
    'RTMIN+1',
    'net.ipv4.ip_forward',
  ],
  ...[
    'type=bind',
    'type=tmpfs',
    'source=',
    'target=/t',
    '"',
    'size=1m',
    'mode=0777',
    'seccomp=',
    'unconfined',
    'no-new-privileges',
  ],
  ...[
    'ALL',
    'CAP_KILL',
    'on-failure',
    'always',
    '02:00:00:00:00:01',
    '8:0',
    'rbps=',
    'max',
    ' ',
    '\t',
    '__proto__',
  ],
);

t.test('flags of run: refused with a reason, or a description that is whole', async () => {
  const words = fc
    .array(fc.tuple(fc.constantFrom(...flags), values), { maxLength: 4 })
    .map((given) => given.flatMap(([{ long, value }, text]) => (value ? [`${long}=${text}`] : [long])));
  const image = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers' as const, diff_ids: [] } };
  const cgroup = {
    ...{ layout: 'unified' as const, unified: '/cg/x', supervisors: '/cg/s', unifiedControls: true },
    ...{ v1: {}, scope: null },
  };
  await fc.assert(
    fc.asyncProperty(words, async (args) => {
      try {
        const command = new Command()
          .exitOverride()
          .configureOutput({ writeErr: () => {}, writeOut: () => {} });
        declareRunFlags(command);
        command.argument('[command...]').parse([...args, 'true'], { from: 'user' });
        const options = await containerOptions(command.opts(), ['true']);
        const config = describeConfig({
          ...{ id: 'abcdef012345', options, image, cgroup, nameService: [], networkSettings: {} },
          ...{
            idRange: { first: 1_000_000, size: 65536 },
            resources: { devices: [] },
            volumes: options.volumes,
          },
        });
        const places = config.mounts.map(({ destination }) => destination);
        const texts = [...config.process.env, ...config.process.args, ...places];
        return (
          places.every((place) => /^\/(?!.*\/(\.\.?)?(\/|$))/.test(place) || place === '/') &&
          config.process.env.every((each) => /^[^=]+=/.test(each)) &&
          !texts.some((each) => each.includes('\0'))
        );
      } catch (error) {
        passOver(error, BerthError, CommanderError, InvalidArgumentError);
        return true;
      }
    }),
    tries(200),
  );
});

t.test('messages of the v1 API: refused, or written and read again the same', async () => {
  const call = {
    ...{ type: 'ACCEPT', framework_id: { value: 'f' } },
    accept: {
      offer_ids: [{ value: 'o' }],
      operations: [
        {
          type: 'LAUNCH',
          launch: { task_infos: [{ name: 't', task_id: { value: 't' }, agent_id: { value: 'a' } }] },
        },
      ],
      filters: { refuse_seconds: 1.5 },
    },
    acknowledge: { agent_id: { value: 'a' }, task_id: { value: 't' }, uuid: 'AAAA' },
  };
  const same = (name: 'mesos.v1.scheduler.Call', read: ReturnType<typeof jsonCodec.decode<typeof name>>) => {
    for (const codec of [jsonCodec, protobufCodec]) {
      const written = codec.encode(name, read);
      if (!codec.encode(name, codec.decode(name, written)).equals(written)) return false;
    }
    return true;
  };
  const json = fc
    .oneof(mutated(call), fc.jsonValue())
    .map((value) => Buffer.from(JSON.stringify(value) ?? ''));
  const bytes = protobufCodec.encode(
    'mesos.v1.scheduler.Call',
    jsonCodec.decode('mesos.v1.scheduler.Call', Buffer.from(JSON.stringify(call))),
  );
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)).map(([at, by]) => {
      const changed = Buffer.from(bytes);
      changed[at] = by;
      return changed;
    }),
  );
  for (const [codec, given] of [
    [jsonCodec, fc.oneof(json, noise)],
    [protobufCodec, noise],
  ] as const) {
    fc.assert(
      fc.property(given, (body) => {
        try {
          return same('mesos.v1.scheduler.Call', codec.decode('mesos.v1.scheduler.Call', body));
        } catch (error) {
          passOver(error, InvalidMessage);
          return true;
        }
      }),
      tries(200),
    );
  }
});

t.test('RecordIO: refused, or records no longer than they may be', async () => {
  const pieces = fc.array(
    pieced('0', '1', '5', '12', '\n', 'abcde', '{}', '-', ' ', '9'.repeat(20)).map((text) =>
      Buffer.from(text),
    ),
  );
  fc.assert(
    fc.property(pieces, (given) => {
      const reader = new RecordReader(12);
      try {
        return given.flatMap((piece) => reader.push(piece)).every(({ length }) => length <= 12);
      } catch (error) {
        passOver(error, InvalidRecord);
        return true;
      }
    }),
    tries(300),
  );
});

t.test('pod manifests: refused, or of their shape', async () => {
  const pod = {
    ...{ acKind: 'PodManifest', acVersion: '0.8.11' },
    apps: [
      {
        ...{
          name: 'a',
          image: { id: `sha512-${'a'.repeat(128)}`, name: 'example.com/a', labels: [] },
          readOnlyRootFS: true,
        },
        app: {
          exec: ['/a'],
          user: '0',
          group: '0',
          isolators: [{ name: 'resource/memory', value: { limit: '1G' } }],
        },
        mounts: [{ volume: 'v', path: '/v' }],
      },
    ],
    volumes: [
      { name: 'v', kind: 'host', source: '/srv' },
      { name: 'w', kind: 'empty', mode: '0755' },
    ],
    ports: [{ name: 'p', hostPort: 80 }],
  };
  fc.assert(
    fc.property(fc.oneof(mutated(pod), fc.jsonValue()), (value) => {
      try {
        return podManifestShape(value, '').apps.every(({ name }) => /^[a-z0-9-]+$/.test(name));
      } catch (error) {
        passOver(error, ShapeError);
        return true;
      }
    }),
    tries(300),
  );
});
