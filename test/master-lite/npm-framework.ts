// A framework of npm's mesos-framework, unmodified: argument is JSON, events are lines of JSON on stdout. A process of its own, since that
// library ends its process when it does not like what it hears.

import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

interface Options {
  port: number;
  instances: number;
  logs: string;
  image?: string;
  failover?: number;
  command?: string;
}

interface Scheduler extends EventEmitter {
  frameworkId: string;
  httpRequest: EventEmitter;
  requestTemplate: { headers: Record<string, string> };
  subscribe(): void;
  teardown(): void;
}

interface Mesos {
  CommandInfo: new (...parts: unknown[]) => object;
  ContainerInfo: { DockerInfo: new (...parts: unknown[]) => object } & (new (...parts: unknown[]) => object);
}

const library = createRequire(import.meta.url)('mesos-framework') as {
  Scheduler: new (options: object) => Scheduler;
  Mesos: { getMesos(): Mesos };
};
const options = JSON.parse(process.argv[2] ?? '{}') as Options;
const mesos = library.Mesos.getMesos();
const say = (event: string, detail: object = {}) =>
  process.stdout.write(`@${JSON.stringify({ event, ...detail })}\n`);

const scheduler = new library.Scheduler({
  masterUrl: '127.0.0.1',
  port: options.port,
  frameworkName: 'tried-with-npm',
  frameworkFailoverTimeout: options.failover ?? 3600,
  logging: { path: options.logs, fileName: 'framework.log', level: 'error' },
  restartStates: [],
  tasks: {
    trial: {
      priority: 1,
      instances: options.instances,
      commandInfo: new mesos.CommandInfo(null, null, true, options.command ?? 'sleep 1', null, null),
      ...(options.image !== undefined && {
        containerInfo: new mesos.ContainerInfo(
          'DOCKER',
          null,
          null,
          new mesos.ContainerInfo.DockerInfo(options.image, 'HOST', null, false, null, true, null),
        ),
      }),
      resources: { cpus: 0.1, mem: 16, ports: 1, disk: 0 },
    },
  },
});

/** The library comes back by itself when its stream has ended in order; when it breaks off that is left to its user. */
const watched = new WeakSet<EventEmitter>();
function watch(): void {
  const request = scheduler.httpRequest;
  if (watched.has(request)) return;
  watched.add(request);
  request.on('close', () => {
    setTimeout(() => {
      // Twice would be once too often: each of the two streams would end the other for ever.
      if (scheduler.httpRequest !== request) return;
      delete scheduler.requestTemplate.headers['mesos-stream-id'];
      scheduler.subscribe();
    }, 200);
  });
}
const subscribe = scheduler.subscribe.bind(scheduler);
// Also when it comes back by itself: nobody may be there yet.
scheduler.subscribe = () => {
  subscribe();
  watch();
};
scheduler.on('ready', () => scheduler.subscribe());
scheduler.on('subscribed', (event: { frameworkId: string }) => say('subscribed', { id: event.frameworkId }));
scheduler.on('update', (update: { status: { task_id: { value: string }; state: string } }) =>
  say('update', { task: update.status.task_id.value, state: update.status.state }),
);
scheduler.on('error', (error: unknown) =>
  say('error', { message: String((error as Error)?.message ?? error) }),
);
process.stdin.on('data', () => scheduler.teardown()).on('end', () => process.exit(0));
