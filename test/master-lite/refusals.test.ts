// What the master refuses, each refusal by its own words: a framework, a task, an operation, a schedule that is taken by mistake is told of by nothing else.
import t from 'tap';
import { type Conversion, conversionOf } from '../../src/master-lite/conversions.js';
import { Maintenance } from '../../src/master-lite/maintenance.js';
import { Agent } from '../../src/master-lite/model/agent.js';
import { Framework } from '../../src/master-lite/model/framework.js';
import { invalidFramework, invalidId } from '../../src/master-lite/scheduler/validate-framework.js';
import { invalidGroupExecutor, invalidTask } from '../../src/master-lite/scheduler/validate-task.js';
import type {
  ExecutorInfo,
  FrameworkInfo,
  MaintenanceSchedule,
  OfferOperation,
  Resource,
  TaskInfo,
} from '../../src/mesos/messages.js';
import { Resources } from '../../src/mesos/resources/resources.js';

const scalar = (name: string, value: number): Resource => ({ name, type: 'SCALAR', scalar: { value } });
const long = 'x'.repeat(256 * 1024);

t.test('ids that cannot be part of a path', async (t) => {
  const bad = ['', '.', '..', 'a/b', 'a\\b', 'a\0', 'a\n', 'a\u007f', 'x'.repeat(256), 'ä'.repeat(128)];
  for (const id of bad) t.ok(invalidId(id), JSON.stringify(id.slice(0, 10)));
  for (const id of ['a', 'a b', '...', 'x'.repeat(255), 'ä']) t.equal(invalidId(id), undefined, id);
});

t.test('frameworks', async (t) => {
  const info: FrameworkInfo = { user: 'u', name: 'n' };
  const several = { capabilities: [{ type: 'MULTI_ROLE' as const }] };
  const cases: [Partial<FrameworkInfo>, RegExp][] = [
    [{ name: long }, /FrameworkInfo has \d+ bytes/],
    [{ ...several, role: 'a' }, /role must not be set/],
    [{ roles: ['a'] }, /roles must not be set/],
    [{ ...several, roles: ['a', 'a'] }, /twice/],
    [{ ...several, roles: ['a', '..'] }, /invalid role/],
    [{ id: { value: '..' } }, /FrameworkInfo.id/],
    [{ failover_timeout: -1 }, /failover_timeout/],
    [{ failover_timeout: Number.NaN }, /failover_timeout/],
  ];
  for (const [more, why] of cases) t.match(invalidFramework({ ...info, ...more }), why);
  t.match(invalidFramework(info, ['a']), /'a' is not one of/);
  t.match(invalidFramework(info, [], { role_constraints: { a: {} } }), /'a' is not one of/);
  for (const kind of ['text_matches', 'text_not_matches'])
    t.match(
      invalidFramework(info, [], {
        role_constraints: {
          '*': {
            groups: [
              { attribute_constraints: [{ selector: {}, predicate: { [kind]: { regex: '(?=a)' } } }] },
            ],
          },
        },
      }),
      /no regular expression/,
      kind,
    );
  for (const failover_timeout of [0, 1e300, Number.POSITIVE_INFINITY])
    t.equal(invalidFramework({ ...info, id: { value: '' }, failover_timeout }), undefined);
});

const framework = () =>
  new Framework('F', { info: { user: 'u', name: 'n' }, registered_time: 0, suppressed: [] });
const agentWith = (info?: ExecutorInfo) => {
  const agent = new Agent('S', {
    info: { hostname: 'h', resources: [scalar('cpus', 4)], attributes: [] },
    ...{ ip: '127.0.0.1', version: '0', capabilities: [], state: 'registered' },
    ...{ registered_time: 0, deactivated: false },
  });
  if (info !== undefined)
    agent.executors.set(`F/${info.executor_id.value}`, {
      ...{ frameworkId: 'F', info, role: '*', resources: Resources.of([]) },
    });
  return agent;
};

t.test('tasks', async (t) => {
  const task: TaskInfo = {
    ...{ name: 't', task_id: { value: 't' }, agent_id: { value: 'S' }, command: { value: 'true' } },
    resources: [scalar('cpus', 1)],
  };
  const executor: ExecutorInfo = { executor_id: { value: 'e' }, type: 'CUSTOM', command: { value: 'x' } };
  const with_ = (more: Partial<ExecutorInfo>) => ({
    command: undefined,
    executor: { ...executor, ...more },
  });
  const variable = (more: object) => ({
    command: { value: 'x', environment: { variables: [{ name: 'A', ...more }] } },
  });
  const left = Resources.of([scalar('cpus', 2), scalar('mem', 64)]);
  const ask = (more: Partial<TaskInfo>, agent = agentWith()) =>
    invalidTask(framework(), agent, { ...task, ...more }, left);
  const time = { nanoseconds: -1 };
  const cases: [Partial<TaskInfo>, RegExp][] = [
    [{ task_id: { value: '..' } }, /TaskID '..' is invalid/],
    [{ name: long }, /Task has \d+ bytes/],
    [{ agent_id: { value: 'T' } }, /invalid agent T/],
    [{ kill_policy: { grace_period: time } }, /grace_period/],
    [{ max_completion_time: time }, /max_completion_time/],
    [{ health_check: {} }, /invalid health check: Expecting type/],
    [{ health_check: { type: 'UNKNOWN' } }, /health check: 'UNKNOWN'/],
    [{ health_check: { type: 'COMMAND' } }, /Expecting command/],
    [{ health_check: { type: 'HTTP' } }, /Expecting http/],
    [{ health_check: { type: 'TCP' } }, /Expecting tcp/],
    [{ health_check: { type: 'TCP', tcp: { port: 1 }, grace_period_seconds: -1 } }, /health check.*times/],
    [{ check: {} }, /invalid check: Expecting type/],
    [{ check: { type: 'UNKNOWN' } }, /check: 'UNKNOWN'/],
    [{ check: { type: 'COMMAND' } }, /Expecting command/],
    ...(['delay_seconds', 'interval_seconds', 'timeout_seconds'] as const).map(
      (name): [Partial<TaskInfo>, RegExp] => [
        { check: { type: 'TCP', tcp: { port: 1 }, [name]: -1 } },
        /invalid check.*times/,
      ],
    ),
    [{ resources: [scalar('cpus', -1)] }, /Task uses invalid resources/],
    [{ resources: [] }, /no resources/],
    [{ resources: [scalar('cpus', 0)] }, /no resources/],
    [{ resources: [scalar('cpus', 3)] }, /more resources .* than available/],
    [{ limits: { disk: { value: 1 } } }, /limit of 'disk'/],
    [{ limits: { cpus: { value: 0.5 } } }, /less than its request/],
    [{ command: undefined }, /at least one \(but not both\)/],
    [{ executor }, /at least one \(but not both\)/],
    [variable({ name: '' }), /name is empty/],
    [variable({ type: 'SECRET', value: 'x' }), /type does not go with/],
    [variable({ value: 'x', secret: {} }), /type does not go with/],
    [with_({ type: 'DEFAULT', command: undefined }), /must not use the 'DEFAULT' executor/],
    [with_({ command: undefined }), /'ExecutorInfo.command' must be set/],
    [with_({ executor_id: { value: 'a/b' } }), /ExecutorID is invalid/],
    [with_({ framework_id: { value: 'G' } }), /invalid FrameworkID/],
    [with_({ shutdown_grace_period: time }), /shutdown_grace_period/],
    [with_({ resources: [scalar('mem', -1)] }), /Executor uses invalid resources/],
    [with_({ resources: [scalar('mem', 65)] }), /more resources .*mem:65.* than available/],
  ];
  for (const [more, why] of cases) t.match(ask(more), why, String(why));
  t.equal(ask({}), undefined);
  t.equal(ask(with_({ resources: [scalar('mem', 64)], framework_id: { value: 'F' } })), undefined);
  t.equal(ask({ limits: { cpus: { value: 1 }, mem: { value: Number.POSITIVE_INFINITY } } }), undefined);
  const there = agentWith({ ...executor, resources: [scalar('mem', 65)] });
  t.match(ask(with_({ resources: [scalar('mem', 64)] }), there), /not compatible/);
  t.equal(ask(with_({ resources: [scalar('mem', 65)] }), there), undefined, 'it has that already');

  const twice = framework();
  twice.tasks.set('t', {} as never);
  t.match(invalidTask(twice, agentWith(), task, left), /duplicate ID/);

  const inGroup = (more: Partial<TaskInfo>) =>
    invalidTask(framework(), agentWith(), { ...task, ...more }, left, executor);
  t.match(inGroup({ executor }), /must not be set in a task group/);
  t.match(inGroup({ container: { type: 'DOCKER' } }), /Docker ContainerInfo/);
  t.match(inGroup({ container: { type: 'MESOS', network_infos: [{}] } }), /NetworkInfos/);
  t.equal(inGroup({}), undefined);

  const group = (more: Partial<ExecutorInfo>) =>
    invalidGroupExecutor(framework(), agentWith(), { ...executor, ...more });
  for (const type of [undefined, 'UNKNOWN'] as const) t.match(group({ type }), /type' must be set/);
  t.match(group({ type: 'DEFAULT' }), /must not be set for 'DEFAULT'/);
  t.match(group({ name: long }), /Executor has \d+ bytes/);
  t.equal(group({}), undefined);
});

t.test('reservations and volumes', async (t) => {
  const role = (name: string, type: 'STATIC' | 'DYNAMIC' = 'DYNAMIC') => ({
    reservations: [{ type, role: name }],
  });
  const disk = { ...scalar('disk', 10), ...role('a') };
  const volume: Resource = {
    ...disk,
    disk: { persistence: { id: 'v' }, volume: { container_path: 'v', mode: 'RW' } },
  };
  const named = (more: object): Resource => ({
    ...volume,
    disk: {
      persistence: { id: 'v' },
      ...more,
      volume: { container_path: 'v', mode: 'RW', ...(more as { volume?: object }).volume },
    },
  });
  const reserve = (resources: Resource[], source?: Resource[]): OfferOperation => ({
    type: 'RESERVE',
    reserve: { resources, ...(source !== undefined && { source }) },
  });
  const create = (...volumes: Resource[]): OfferOperation => ({ type: 'CREATE', create: { volumes } });
  const grow = (of: Resource, by: number): OfferOperation => ({
    type: 'GROW_VOLUME',
    grow_volume: { volume: of, addition: scalar('disk', by) },
  });
  const shrink = (by: number): OfferOperation => ({
    type: 'SHRINK_VOLUME',
    shrink_volume: { volume, subtract: { value: by } },
  });
  const cases: [OfferOperation, RegExp][] = [
    [reserve([]), /No resources/],
    [reserve([{ ...disk, scalar: { value: -1 } }]), /no amount/],
    [reserve([disk], [scalar('disk', -1)]), /no amount/],
    [reserve([scalar('disk', 1)]), /dynamically/],
    [reserve([{ ...disk, ...role('a', 'STATIC') }]), /dynamically/],
    [reserve([volume]), /persistent volume/],
    [reserve([disk], [scalar('disk', 11)]), /changes nothing of its source/],
    [reserve([disk], [scalar('mem', 10)]), /changes nothing of its source/],
    [{ type: 'UNRESERVE', unreserve: { resources: [scalar('disk', 1)] } }, /dynamically/],
    [create(), /No volumes/],
    [create({ ...volume, scalar: { value: -1 } }), /no amount/],
    [create(disk), /'persistence' is not set/],
    ...['', '.', '..', 'a/b', 'a b', 'a\\b'].map((id): [OfferOperation, RegExp] => [
      create(named({ persistence: { id } })),
      /Persistence ID/,
    ]),
    [create({ ...disk, disk: { persistence: { id: 'v' } } }), /Expecting 'volume'/],
    [create(named({ volume: { mode: 'RO' } })), /Read-only/],
    [create(named({ volume: { host_path: '/' } })), /host_path/],
    [create({ ...volume, reservations: [] }), /unreserved/],
    [{ type: 'DESTROY', destroy: { volumes: [disk] } }, /'persistence' is not set/],
    [grow(volume, 0), /must change its size/],
    [grow(volume, -1), /must change its size/],
    [grow({ ...volume, shared: {} }, 1), /shared/],
    [shrink(-1), /must change its size/],
    [shrink(10), /must change its size/],
    [shrink(0.0001), /must change its size/],
    [{ type: 'GROW_VOLUME' }, /Expecting 'grow_volume'/],
    [{ type: 'SHRINK_VOLUME' }, /Expecting 'shrink_volume'/],
    [{ type: 'UNKNOWN' }, /not supported/],
  ];
  for (const [operation, why] of cases) t.match(conversionOf(operation), why, JSON.stringify(operation));
  const scalarOf = (operation: OfferOperation) => (conversionOf(operation) as Conversion).made.scalar('disk');
  t.equal(scalarOf(reserve([disk])), 10_000);
  t.equal(scalarOf(create(volume)), 10_000);
  t.equal(scalarOf(grow(volume, 2)), 12_000);
  t.equal(scalarOf(shrink(4)), 10_000, 'what is taken away is free');
});

t.test('schedules of maintenance', async (t) => {
  const maintenance = new Maintenance();
  const start = { nanoseconds: 1 };
  const windows = (...all: MaintenanceSchedule['windows'] & object) => ({ windows: all });
  const of = (...machine_ids: { hostname?: string; ip?: string }[]) => ({
    machine_ids,
    unavailability: { start },
  });
  const cases: [MaintenanceSchedule, RegExp][] = [
    [windows(of()), /window is empty/],
    [windows(of({})), /Both hostname and ip/],
    [windows(of({ hostname: 'A' }, { hostname: 'a' })), /more than once/],
    [windows(of({ ip: '1' }), of({ ip: '1' })), /more than once/],
    [
      windows({ ...of({ ip: '1' }), unavailability: { start, duration: { nanoseconds: -1 } } }),
      /negative duration/,
    ],
  ];
  for (const [schedule, why] of cases) t.match(maintenance.invalid(schedule), why);
  maintenance.restore({ schedule: windows(of({ ip: '1' })), down: [{ ip: '1' }] });
  t.match(maintenance.invalid(windows()), /cannot be removed/);
  t.equal(maintenance.invalid(windows(of({ ip: '1' }, { ip: '2' }))), undefined);
});
