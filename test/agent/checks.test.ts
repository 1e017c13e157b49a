import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import t from 'tap';
import { runInContainer } from '../../src/agent/checks/command-run.js';
import type { Health } from '../../src/agent/checks/health.js';
import { Unanswered } from '../../src/agent/checks/probe.js';
import { type CheckedTask, startChecks } from '../../src/agent/checks/task-checks.js';
import { realTimers, type Timers } from '../../src/agent/checks/timers.js';
import { readContainer } from '../../src/containerizer/container/catalogue.js';
import type { CheckStatusInfo, TaskInfo } from '../../src/mesos/messages.js';
import { native } from '../../src/native/index.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { freePort } from '../fixtures/free-port.js';
import { until } from '../fixtures/until.js';
import { Certificates } from '../registry/certificates.js';
import { StagedTimers } from './staged-timers.js';

type Asked = Pick<TaskInfo, 'health_check' | 'check'>;

/** The checks of a task, and all that they tell. */
function check(asked: Asked, task: Partial<CheckedTask>, timers: Timers) {
  const told: (Health | CheckStatusInfo)[] = [];
  const defects: unknown[] = [];
  const checks = startChecks(
    asked,
    {
      process: { pid: process.pid, startTime: startTimeOf(process.pid) },
      run: () => Promise.reject(new Unanswered('no command')),
      ...task,
    },
    {
      timers,
      report: {
        health: (health) => told.push(health),
        check: (status) => told.push(status),
        onDefect: (error) => defects.push(error),
      },
    },
  );
  return { checks, told, defects };
}

function startTimeOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3]);
}

const command = { value: 'true' };
const soon = { delay_seconds: 0, interval_seconds: 0.05, grace_period_seconds: 0 };

t.test('health: when it looks, and what it tells', async (t) => {
  const timers = new StagedTimers();
  let status = 0;
  const looks: number[] = [];
  const run = async () => {
    looks.push(timers.now() / 1000);
    return status;
  };
  const { checks, told } = check({ health_check: { type: 'COMMAND', command } }, { run }, timers);
  t.equal(checks.healthy, undefined);
  await timers.pass(14_999);
  t.strictSame(looks, [], 'not before 15 seconds');
  await timers.pass(30_001);
  t.strictSame(looks, [15, 25, 35, 45]);
  t.strictSame(told.splice(0), [{ healthy: true, kill: false, why: undefined }], 'the first success alone');
  status = 7;
  await timers.pass(30_000);
  const why = 'the command ended with status 7';
  t.strictSame(
    told.splice(0),
    [false, false, true].map((kill) => ({ healthy: false, kill, why })),
    'every failure, and the third is one too many',
  );
  t.equal(checks.healthy, false);
  status = 0;
  await timers.pass(10_000);
  t.match(told.splice(0), [{ healthy: true, kill: false }], 'back again');
  status = 1;
  await timers.pass(10_000);
  t.match(told.splice(0), [{ healthy: false, kill: false }], 'and counted from the start');
  checks.stop();
  t.equal(timers.next, undefined, 'nothing is left when it is stopped');
});

t.test('what is seen of a task that has ended is not told', async (t) => {
  const timers = new StagedTimers();
  let status: number | Unanswered = 137;
  let looks = 0;
  const run = async () => {
    looks++;
    if (status instanceof Unanswered) throw status;
    return status;
  };
  const { pid } = spawnSync('true');
  const asked = { type: 'COMMAND' as const, command: { command }, ...soon, interval_seconds: 1 };
  const { told } = check({ check: asked }, { run, process: { pid, startTime: 1 } }, timers);
  await timers.pass(0);
  status = new Unanswered('it is gone');
  await timers.pass(1000);
  t.strictSame([looks, told], [2, []]);
});

t.test('a check without a pause leaves some time to others', async (t) => {
  const timers = new StagedTimers();
  let looks = 0;
  const run = async () => {
    // Without an end there would be none of this test either.
    if (++looks > 1000) throw new Error('it spins');
    return 0;
  };
  const asked = { type: 'COMMAND' as const, command, delay_seconds: 0, interval_seconds: 0 };
  const { checks } = check({ health_check: asked }, { run }, timers);
  await timers.pass(1000);
  checks.stop();
  t.equal(looks, 21);
});

t.test('health: grace, and its own figures', async (t) => {
  const timers = new StagedTimers();
  let status = 1;
  const health_check = {
    type: 'COMMAND' as const,
    command,
    delay_seconds: 0,
    interval_seconds: 2,
    grace_period_seconds: 5,
    consecutive_failures: 1,
  };
  const { told } = check({ health_check }, { run: async () => status }, timers);
  await timers.pass(5000);
  t.strictSame(told, [], 'three failures that do not count');
  await timers.pass(1000);
  t.match(told.splice(0), [{ healthy: false, kill: true }], 'and one that does');

  status = 0;
  const other = check({ health_check }, { run: async () => status }, timers);
  await timers.pass(0);
  status = 1;
  await timers.pass(2000);
  t.match(other.told, [{ healthy: true }, { healthy: false, kill: true }], 'a success ends the grace');
});

t.test('a look that takes too long is a failure, and is broken off', async (t) => {
  const timers = new StagedTimers();
  let aborted = 0;
  const run: CheckedTask['run'] = (_, signal) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => {
        aborted++;
        reject(new Unanswered('aborted'));
      }),
    );
  const health_check = { type: 'COMMAND' as const, command, ...soon, timeout_seconds: 3 };
  const { checks, told } = check({ health_check }, { run }, timers);
  await timers.pass(2999);
  t.strictSame([aborted, told.length], [0, 0]);
  await timers.pass(1);
  t.match(told, [{ healthy: false, why: 'it took longer than 3 seconds' }]);
  t.equal(aborted, 1);
  await timers.pass(100);
  checks.stop();
  await timers.pass(0);
  t.equal(aborted, 2, 'stopping breaks off what is under way');
  t.equal(told.length, 1, 'and says nothing more');
});

t.test('a look that the agent itself cannot take says nothing of the task', async (t) => {
  const timers = new StagedTimers();
  const run = () => Promise.reject(new Error('no memory'));
  const health_check = { type: 'COMMAND' as const, command, ...soon };
  const { told, defects } = check({ health_check }, { run }, timers);
  await timers.pass(60);
  t.strictSame(told, []);
  t.match(defects, [{ message: 'no memory' }, { message: 'no memory' }], 'it goes on looking');
});

t.test('checks: told when they change', async (t) => {
  const timers = new StagedTimers();
  let outcome = async () => 0;
  const { checks, told } = check(
    { check: { type: 'COMMAND', command: { command } } },
    { run: () => outcome() },
    timers,
  );
  t.strictSame(checks.checkStatus, { type: 'COMMAND', command: {} }, 'before the first one');
  await timers.pass(25_000);
  outcome = async () => 3;
  await timers.pass(20_000);
  outcome = () => Promise.reject(new Unanswered('gone'));
  await timers.pass(20_000);
  t.strictSame(told, [
    { type: 'COMMAND', command: { exit_code: 0 } },
    { type: 'COMMAND', command: { exit_code: 3 } },
    { type: 'COMMAND', command: {} },
  ]);
});

t.test('HTTP, HTTPS and TCP', async (t) => {
  const paths: string[] = [];
  const http = createHttpServer((request, response) => {
    paths.push(request.url ?? '');
    const [, first = '', rest = ''] = /^\/(\w+)(.*)$/.exec(request.url ?? '') ?? [];
    if (first === 'to') response.writeHead(302, { Location: rest.replace(/^\/http/, 'http') });
    else response.writeHead(Number(first) || 200);
    response.end('x'.repeat(100_000));
  });
  const { certificate, key } = new Certificates(t.testdir()).issue('other.example');
  const tls = createHttpsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_, response) =>
    response.writeHead(204).end(),
  );
  const silent = createServer((socket) => sockets.add(socket));
  const rude = createServer((socket) => socket.end('no HTTP\r\n\r\n'));
  const sockets = new Set<Socket>();
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of [http, tls, silent, rude]) server.close();
  });
  const [port, quiet, odd] = [await listen(http), await listen(silent), await listen(rude)];
  const closed = await freePort();
  const finding = async (asked: NonNullable<TaskInfo['check']>) => {
    const { checks, told, defects } = check({ check: { ...asked, ...soon } }, {}, realTimers);
    await until(() => told.length + defects.length > 0, 'the check tells something');
    checks.stop();
    t.strictSame(defects, []);
    return told[0];
  };
  const get = (path: string) => finding({ type: 'HTTP', http: { port, path } });
  t.match(await get('/200'), { http: { status_code: 200 } });
  t.match(await get('503'), { http: { status_code: 503 } }, 'a path without its slash');
  t.match(await get('/to/404'), { http: { status_code: 404 } }, 'a redirection is followed');
  t.match(await get('/to/http://example.invalid/'), { http: { status_code: 302 } }, 'to the task alone');
  t.match(await get('/to/to/to/to/200'), { http: { status_code: 200 } });
  t.match(await finding({ type: 'TCP', tcp: { port } }), { tcp: { succeeded: true } });
  t.match(await finding({ type: 'TCP', tcp: { port: closed } }), { tcp: { succeeded: false } });

  const health = async (health_check: NonNullable<TaskInfo['health_check']>) => {
    const { checks, told } = check({ health_check: { ...health_check, ...soon } }, {}, realTimers);
    await until(() => told.length > 0, 'the health check tells something');
    checks.stop();
    return told[0];
  };
  t.match(await health({ type: 'HTTP', http: { port, path: '/399' } }), { healthy: true });
  t.match(await health({ type: 'HTTP', http: { port, path: '/400' } }), {
    healthy: false,
    why: 'it answered with status 400',
  });
  t.match(await health({ type: 'HTTP', http: { port: odd } }), { healthy: false });
  t.match(await health({ type: 'HTTP', http: { port, path: '/a b\r\nX: y' } }), { healthy: false });
  t.match(await health({ type: 'HTTP', http: { port: closed } }), { healthy: false, why: /ECONNREFUSED/ });
  t.match(await health({ type: 'HTTP', http: { port: quiet }, timeout_seconds: 0.2 }), {
    healthy: false,
    why: 'it took longer than 0.2 seconds',
  });
  const secure = { port: await listen(tls), scheme: 'https' };
  t.match(await health({ type: 'HTTP', http: secure }), { healthy: true }, 'whoever vouches for it');
  t.match(await health({ http: { port } }), { healthy: true }, 'a check of old, without a type');
});

t.test('in a container', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const script = 'mkdir /w; echo hello >/w/index.html; exec httpd -f -p 127.0.0.1:8080 -h /w';
  const container = await stage.start(['sh', '-c', script]);
  t.teardown(() => container.ended);
  t.teardown(() => container.signal(9));
  const first = readContainer(stage.roots, container.id)?.process?.task ?? { pid: 0, start_time: 0 };
  const task = { process: { pid: first.pid, startTime: first.start_time } };

  await t.test('is asked in its own network', async (t) => {
    const asked = { type: 'TCP' as const, tcp: { port: 8080 } };
    const inside = check({ health_check: { ...asked, ...soon } }, task, realTimers);
    await until(() => inside.checks.healthy === true, 'it is healthy');
    inside.checks.stop();
    const outside = check({ health_check: { ...asked, ...soon } }, {}, realTimers);
    await until(() => outside.told.length > 0, 'the host is asked');
    outside.checks.stop();
    t.equal(outside.checks.healthy, false, 'nobody listens there on the host');
    const page = check({ check: { type: 'HTTP', http: { port: 8080 }, ...soon } }, task, realTimers);
    await until(() => page.told.length > 0, 'the page is there');
    page.checks.stop();
    t.match(page.told, [{ http: { status_code: 200 } }]);
  });

  await t.test('commands run in it, and end with all they started', async (t) => {
    const run = (value: string, signal = new AbortController().signal) =>
      runInContainer(stage.roots, container.id, { value }, signal);
    t.equal(await run('test "$(cat /w/index.html)" = hello && exit 5'), 5);
    const limit = new AbortController();
    const ending = run('sleep 4321 & wait', limit.signal);
    const sleepers = () => run('exit $(ps | grep -c "[s]leep 4321$")');
    await until(async () => (await sleepers()) === 1, 'it runs');
    limit.abort();
    t.equal(await ending, 137);
    await until(async () => (await sleepers()) === 0, 'nothing of it does');
    const lost = runInContainer(stage.roots, 'gone', { value: 'true' }, limit.signal);
    const unanswered = await lost.catch((error: unknown) => error instanceof Unanswered);
    t.equal(unanswered, true, 'a container that is gone does not answer');
  });

  await t.test('its checks are no more than itself', async (t) => {
    const host = await stage.start(['sleep', '600'], { network: 'host' });
    t.teardown(() => host.ended);
    t.teardown(() => host.signal(9));
    const process_ = readContainer(stage.roots, host.id);
    const { pid = 0, start_time = 0 } = process_?.process?.task ?? {};
    const owners: (number | null)[] = [];
    const server = createServer((socket) => {
      const { remotePort = 0, localPort = 0 } = socket;
      owners.push(native().socketOwner('127.0.0.1', remotePort, '127.0.0.1', localPort));
      socket.end('HTTP/1.0 200 OK\r\n\r\n');
    });
    t.teardown(() => server.close());
    const http = { port: await listen(server) };
    const { checks } = check(
      { health_check: { type: 'HTTP', http, ...soon } },
      { process: { pid, startTime: start_time } },
      realTimers,
    );
    await until(() => checks.healthy === true, 'it is healthy');
    checks.stop();
    t.equal(
      owners[0],
      process_?.document.first_id,
      'a service of the host is asked by the task, not by root',
    );
  });
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
