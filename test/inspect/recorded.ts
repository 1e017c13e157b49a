import type { ProcessCounters, Snapshot, TaskCounters, ThreadCounters } from '../../src/inspect/counters.js';
import type { Sample } from '../../src/inspect/sample.js';
import type { InspectedTask } from '../../src/inspect/task-source.js';

/** Counters of a thread, a process, a task, of which a test states only what it is about. */
export function thread(known: Partial<ThreadCounters>): ThreadCounters {
  return {
    name: 'thread',
    at: 100,
    process: 0,
    tid: 10,
    start: 50,
    state: 'S'.charCodeAt(0),
    on_cpu: 0,
    waiting: 0,
    user: 0,
    system: 0,
    block_io: null,
    paging: null,
    reclaim: null,
    major_faults: 0,
    voluntary: 0,
    involuntary: 0,
    read_bytes: 0,
    write_bytes: 0,
    ...known,
  };
}

export function process(known: Partial<ProcessCounters>): ProcessCounters {
  return {
    name: 'process',
    at: 100,
    task: 0,
    pid: 10,
    inner_pid: 1,
    start: 50,
    state: 'S'.charCodeAt(0),
    threads: 1,
    user: 0,
    system: 0,
    major_faults: 0,
    resident: 1 << 20,
    proportional: null,
    descriptors: 3,
    read_bytes: 0,
    write_bytes: 0,
    ...known,
  };
}

export function task(known: Partial<TaskCounters>): TaskCounters {
  return {
    at: 100,
    cpu: null,
    throttled: null,
    memory_stall: null,
    memory: null,
    inactive_file: null,
    memory_limit: null,
    ...known,
  };
}

const running = 'R'.charCodeAt(0);
const waiting = 'D'.charCodeAt(0);

const before: Snapshot = {
  tasks: [
    task({
      cpu: 400,
      throttled: 12,
      memory_stall: 1,
      memory: 300 << 20,
      inactive_file: 40 << 20,
      memory_limit: 512 << 20,
    }),
    task({}),
  ],
  processes: [
    process({
      pid: 4100,
      name: 'node',
      threads: 4,
      user: 350,
      system: 40,
      resident: 180 << 20,
      write_bytes: 9000,
    }),
    process({ pid: 4160, inner_pid: 23, name: 'ended', start: 60 }),
    process({ pid: 5200, task: 1, name: 'redis-server', user: 7, system: 3, resident: 9 << 20 }),
  ],
  threads: [
    thread({
      tid: 4100,
      name: 'node',
      block_io: 0,
      on_cpu: 300,
      waiting: 5,
      user: 280,
      system: 20,
      voluntary: 700,
      state: running,
    }),
    thread({ tid: 4101, name: 'libuv-worker', on_cpu: 90, waiting: 9, user: 70, system: 20, block_io: 3 }),
    thread({ tid: 4102, name: 'libuv-worker', on_cpu: 0.002, block_io: 0 }),
    thread({ tid: 4160, process: 1, start: 60 }),
    thread({
      tid: 5200,
      process: 2,
      name: 'redis-server',
      block_io: 0,
      on_cpu: 10,
      user: 7,
      system: 3,
      voluntary: 90,
    }),
  ],
};

const after: Snapshot = {
  tasks: [
    task({
      at: 100.5,
      cpu: 400.6,
      throttled: 12.1,
      memory_stall: 1.05,
      memory: 310 << 20,
      inactive_file: 40 << 20,
      memory_limit: 512 << 20,
    }),
    task({ at: 100.5 }),
  ],
  processes: [
    process({
      at: 100.5,
      pid: 4100,
      name: 'node',
      threads: 4,
      user: 350.45,
      system: 40.15,
      resident: 190 << 20,
      write_bytes: 2_009_000,
      descriptors: 31,
    }),
    process({
      at: 100.5,
      pid: 5200,
      task: 1,
      name: 'redis-server',
      user: 7,
      system: 3,
      resident: 9 << 20,
      descriptors: 12,
    }),
  ],
  threads: [
    thread({
      at: 100.5,
      tid: 4100,
      name: 'node',
      block_io: 0,
      on_cpu: 300.4,
      waiting: 5.02,
      user: 280.3,
      system: 20.1,
      voluntary: 700,
      involuntary: 40,
      state: running,
    }),
    thread({
      at: 100.5,
      tid: 4101,
      name: 'libuv-worker',
      on_cpu: 90.05,
      waiting: 9.1,
      user: 70.01,
      system: 20.04,
      block_io: 3.3,
      voluntary: 60,
      write_bytes: 2_000_000,
      state: waiting,
    }),
    thread({ at: 100.5, tid: 4102, name: 'libuv-worker', on_cpu: 0.002, block_io: 0 }),
    // Born 0.1 s before the second look, and busy ever since.
    thread({
      at: 100.5,
      tid: 4177,
      name: 'signal\u001b[31m',
      start: 100.4,
      on_cpu: 0.08,
      waiting: 0.02,
      user: 0.08,
      block_io: 0,
    }),
    thread({
      at: 100.5,
      tid: 5200,
      process: 1,
      name: 'redis-server',
      block_io: 0,
      on_cpu: 10.001,
      user: 7,
      system: 3,
      voluntary: 95,
    }),
  ],
};

export const recordedSample: Sample = {
  snapshots: [before, after],
  costCpuSeconds: 0.000412,
  bootRealtime: 1_790_000_000,
  delayAccounting: true,
};

export const recordedTasks: InspectedTask[] = [
  {
    id: '4f1c9a0d2b7e88a1c0ffee0123456789',
    name: 'shop-frontend-with-a-long-name',
    image: 'registry.example/shop/frontend:2.4',
    zone: null,
    state: 'running',
    pid: 4100,
    pidStartTime: 5000,
    startedAt: '2026-09-21T13:34:10.000Z',
    cgroup: {
      procs: '/sys/fs/cgroup/pids/berth/4f1c',
      controllers: { memory: { directory: '/m', version: 1 }, cpu: { directory: '/c', version: 1 } },
    },
  },
  {
    id: '77aa',
    name: 'cache',
    image: null,
    zone: 'blue',
    state: 'running',
    pid: 5200,
    pidStartTime: 5000,
    startedAt: '2026-09-21T13:34:10.000Z',
    cgroup: { procs: null, controllers: {} },
  },
  {
    id: '99ff',
    name: 'migration',
    image: 'oci:images/node:latest',
    zone: null,
    state: 'exited',
    pid: null,
    pidStartTime: null,
    startedAt: '2026-09-21T13:30:00.000Z',
    cgroup: { procs: null, controllers: {} },
  },
];
