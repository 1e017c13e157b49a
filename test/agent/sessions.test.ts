import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import http from 'node:http';
import t from 'tap';
import { jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import type { ContainerID } from '../../src/mesos/messages.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { Person } from '../fixtures/person.js';
import { until } from '../fixtures/until.js';
import { ask, Input, launch, Output } from './session-client.js';
import { StagedCluster } from './staged-cluster.js';

t.test('programs sent into tasks, and their streams', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage);
  const docker = { type: 'DOCKER' as const, docker: { name: stage.image.reference } };
  const container = { type: 'MESOS' as const, mesos: { image: docker } };
  await cluster.launch({
    name: 'host',
    command: { value: 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done' },
    container,
  });
  const running = await cluster.reaches('host', 'TASK_RUNNING');
  const parent: ContainerID = running.container_status?.container_id ?? { value: '' };
  let made = 0;
  const fresh = (): ContainerID => ({ value: `session-${++made}`, parent });
  const wait = async (container_id: ContainerID) => {
    const call = { type: 'WAIT_NESTED_CONTAINER' as const, wait_nested_container: { container_id } };
    const { status, response } = await ask(cluster.url, call);
    return status === 200 ? response.wait_nested_container?.exit_status : status;
  };
  const open = (id: ContainerID, value: string, codec = jsonCodec, keep = true) =>
    new Output().open(cluster.url, launch(id, value), codec, keep);
  /** Whether a command with that line runs in the task. */
  const runs = (line: string) =>
    stage
      .berth('exec', parent.value, 'sh', '-c', `ps | grep -c "[${line[0]}]${line.slice(1)}$"`)
      .stdout.trim() !== '0';

  for (const codec of [jsonCodec, protobufCodec])
    await t.test(`output and status, ${codec.contentType}`, async (t) => {
      const id = fresh();
      const output = await open(id, 'echo out; echo err >&2; exit 3', codec);
      t.equal(output.status, 200, output.stderr);
      t.equal(output.headers['content-type'], 'application/recordio');
      t.equal(output.headers['message-content-type'], codec.contentType);
      await until(() => output.ended, 'the stream ends');
      t.strictSame([output.stdout, output.stderr], ['out\n', 'err\n']);
      t.equal(await wait(id), 3 << 8, 'as wait(2) has it');
      const again = await open(id, 'true', codec);
      t.equal(again.status, 202, 'there is one of that id');
      const remove = () =>
        ask(cluster.url, {
          type: 'REMOVE_NESTED_CONTAINER',
          remove_nested_container: { container_id: id },
        });
      const { status, type } = await remove();
      t.strictSame([status, type], [200, undefined]);
      t.equal((await remove()).status, 404);
      t.equal(await wait(id), 404);
    });

  await t.test('input, which ends, from one client at a time', async (t) => {
    const id = fresh();
    const output = await open(id, 'cat; echo over; kill -9 $$');
    const input = new Input(cluster.url, id, protobufCodec);
    input.write('one\n');
    await until(() => output.stdout === 'one\n', 'it comes back');
    t.equal(await new Input(cluster.url, id).end(), 409, 'while another gives it');
    const removed = await ask(cluster.url, {
      type: 'REMOVE_NESTED_CONTAINER',
      remove_nested_container: { container_id: id },
    });
    t.equal(removed.status, 400, 'while it runs');
    input.write('two\n');
    t.equal(await input.end(), 200);
    await until(() => output.ended, 'the stream ends');
    t.equal(output.stdout, 'one\ntwo\nover\n');
    t.equal(await wait(id), 9);
    t.equal(await new Input(cluster.url, { value: 'nobody' }).end(), 404);
  });

  await t.test('nothing is lost however slow either side is', async (t) => {
    const id = fresh();
    const size = 24 << 20;
    const data = Buffer.alloc(1 << 16, 'abcdefg');
    const output = await open(id, 'sha256sum | cut -c1-64; head -c 25165824 /dev/zero', protobufCodec, false);
    output.response?.pause();
    const input = new Input(cluster.url, id, protobufCodec);
    const hash = createHash('sha256');
    for (let sent = 0; sent < size; sent += data.length) {
      hash.update(data);
      if (!input.write(data)) await new Promise((resolve) => input.request.once('drain', resolve));
    }
    t.equal(await input.end(), 200);
    const other = new Output();
    await other.open(
      cluster.url,
      { type: 'ATTACH_CONTAINER_OUTPUT', attach_container_output: { container_id: id } },
      jsonCodec,
      false,
    );
    output.response?.resume();
    await until(() => output.ended && other.ended, 'the streams end');
    t.equal(output.bytes, 65 + 25_165_824);
    t.ok(other.bytes > 0, 'others hear it too');
    t.equal(output.head.slice(0, 64), hash.digest('hex'), 'what went in came in whole');
    t.equal(await wait(id), 0);
  });

  await t.test('a terminal, and its size', async (t) => {
    const id = fresh();
    const tty = { type: 'MESOS' as const, tty_info: { window_size: { rows: 30, columns: 100 } } };
    const output = await new Output().open(
      cluster.url,
      launch(id, 'stty size; read x; stty size; echo "got $x"', tty),
      jsonCodec,
    );
    t.equal(output.status, 200, output.stderr);
    await until(() => output.stdout.includes('30 100'), 'it knows its size');
    const input = new Input(cluster.url, id);
    input.resize(40, 120);
    input.write('word\n');
    await until(() => output.ended, 'the stream ends');
    t.match(output.stdout, /40 120\r\n/);
    t.match(output.stdout, /got word\r\n/);
    t.equal(await input.status, 200, 'input is answered when the program ends');
  });

  await t.test('a client that vanishes takes its program along', async (t) => {
    const output = await open(fresh(), 'sleep 7654 & wait');
    await until(() => runs('sleep 7654'), 'it runs');
    output.close();
    await until(() => !runs('sleep 7654'), 'it is ended');
    const id = fresh();
    const other = await open(id, 'exec sleep 8765');
    await until(() => runs('sleep 8765'), 'it runs');
    const kill = (signal: number) =>
      ask(cluster.url, {
        type: 'KILL_NESTED_CONTAINER',
        kill_nested_container: { container_id: id, signal },
      });
    t.match(await kill(15), { status: 200, type: undefined });
    t.equal(await wait(id), 15);
    await until(() => other.ended, 'its stream ends');
    t.equal((await kill(15)).status, 200, 'one that has ended stays so');
  });

  await t.test('who waits for an end or follows a log, and vanishes, holds nothing', async () => {
    await cluster.launch({ name: 'quiet', command: { value: 'sleep 1000' }, container });
    const { container_status } = await cluster.reaches('quiet', 'TASK_RUNNING');
    const container_id = container_status?.container_id ?? { value: '' };
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const sandbox = `/frameworks/${cluster.framework.id}/executors/quiet/runs/latest`;
    const before = descriptors();
    const requests = Array.from({ length: 20 }, (_, i) => {
      const waits = i % 2 === 0;
      const path = waits ? '/api/v1' : `/berth/v1/logs?follow=1&sandbox=${encodeURIComponent(sandbox)}`;
      const method = waits ? 'POST' : 'GET';
      const headers = { 'Content-Type': 'application/json' };
      const request = http.request(`${cluster.url}${path}`, { method, headers, agent: false });
      request.on('error', () => {});
      request.end(waits ? JSON.stringify({ type: 'WAIT_CONTAINER', wait_container: { container_id } }) : '');
      return request;
    });
    // Both ends of each are this process's, and more behind it.
    await until(() => descriptors() >= before + 60, 'they wait');
    for (const request of requests) request.destroy();
    await until(() => descriptors() < before + 20, 'all is let go of');
    await cluster.kill('quiet');
    await cluster.reaches('quiet', 'TASK_KILLED');
  });

  await t.test('a task’s own output, by many', async (t) => {
    const call = {
      type: 'ATTACH_CONTAINER_OUTPUT' as const,
      attach_container_output: { container_id: parent },
    };
    const all = await Promise.all(
      [jsonCodec, protobufCodec].map((codec) => new Output().open(cluster.url, call, codec)),
    );
    for (const output of all) await until(() => /line \d+\n/.test(output.stdout), 'it is heard');
    for (const output of all) output.close();
    t.equal(await new Input(cluster.url, parent).end(), 400, 'it takes no input');
  });

  await t.test('refusals', async (t) => {
    const status = async (id: ContainerID, value = 'true') => (await open(id, value)).status;
    t.equal(await status({ value: 'x' }), 400, 'no parent');
    t.equal(await status({ value: 'x', parent: { value: 'nobody' } }), 404);
    t.equal(await status({ value: '../x', parent }), 400);
    const call = { ...launch(fresh(), ''), launch_nested_container_session: undefined };
    t.equal((await ask(cluster.url, call)).status, 400, 'no body');
    const missing = launch(fresh(), '/no/such');
    Object.assign(missing.launch_nested_container_session ?? {}, {
      command: { value: '/no/such', shell: false },
    });
    t.equal((await ask(cluster.url, missing)).status, 500, 'a program that is not there');
    const raw = new Input(cluster.url, parent);
    raw.request.write('no record\n');
    t.equal(await raw.status, 400);
  });

  await t.test('berth task exec', async (t) => {
    const exec = (words: string[], input?: string) =>
      run(stage.command('task exec', ['--master', cluster.master.url, ...words]), input);
    t.match(await exec(['-e', 'A=b c', 'host', 'sh', '-c', 'echo "$A"; echo err >&2; exit 7']), {
      status: 7,
      stdout: 'b c\n',
      stderr: 'err\n',
    });
    const text = 'word\n'.repeat(50_000);
    t.match(await exec(['-i', 'host', 'wc', '-l'], text), { status: 0, stdout: '50000\n' });
    t.match(await exec(['-u', '1234', 'host', 'id', '-u']), { status: 0, stdout: '1234\n' });
    t.match(await exec(['host', 'sh', '-c', 'kill -9 $$']), { status: 137 });
    t.match(await exec(['host', '/no/such']), { status: 127, stderr: /no\/such/ });
    t.match(await exec(['nobody', 'true']), { status: 125, stderr: /task nobody/ });
    const big = await exec(['host', 'head', '-c', '3000000', '/dev/zero']);
    t.strictSame([big.status, big.stdout.length], [0, 3_000_000]);
    const sleeper = new Person(
      stage.command('task exec', ['--master', cluster.master.url, '-it', 'host', 'sh', '-i']),
    );
    await sleeper.see('# ');
    sleeper.type('stty size; exec sh -c "echo sl""eeps; exec sleep 5432"\n');
    await sleeper.see('33 101');
    await sleeper.see('sleeps');
    sleeper.type('\u0003');
    t.equal(await sleeper.status, 130, 'Ctrl-C is the program’s');
  });

  await t.test('a container below a task, from the command line', async (t) => {
    const on = (verb: string, ...words: string[]) =>
      run(stage.command(verb, ['--master', cluster.master.url, ...words]), '');
    const container_id = { value: 'below', parent };
    const value = 'while [ ! -e /mnt/mesos/sandbox/end ]; do echo I am below; sleep 0.05; done; exit 6';
    const { status } = await ask(cluster.url, {
      type: 'LAUNCH_NESTED_CONTAINER',
      launch_nested_container: { container_id, command: { value }, container },
    });
    t.equal(status, 200);
    const logs = () => on('task logs', '--container', 'below', 'host');
    await until(async () => /^I am below\n/.test((await logs()).stdout), 'its log is its own');
    const words = ['--master', cluster.master.url, '--container', 'below', 'host'];
    const attached = new Person(stage.command('task attach', words));
    await attached.see('I am below');
    const exec = await on('task exec', '--container', 'below', 'host', 'touch', '/mnt/mesos/sandbox/end');
    t.equal(exec.status, 0, exec.stderr);
    t.equal(await attached.status, 6);
    t.match(await on('task exec', '--container', 'nobody', 'host', 'true'), { status: 125 });
    t.match(await on('task exec', '--container', 'a//b', 'host', 'true'), { status: 125 });
  });

  await t.test('berth task attach', async (t) => {
    const attach = (...words: string[]) =>
      stage.command('task attach', ['--master', cluster.master.url, ...words]);
    await cluster.launch({
      name: 'shell',
      command: { value: 'exec sh -i' },
      container: { ...container, tty_info: { window_size: { rows: 20, columns: 70 } } },
    });
    await cluster.reaches('shell', 'TASK_RUNNING');
    const first = new Person(attach('shell'));
    first.type('\n');
    await first.see('# ');
    first.type('echo o""ne\n');
    await first.see('one');
    first.type('\u0010\u0011');
    t.equal(await first.status, 0, 'left by the keys');
    const second = new Person(attach('--detach-keys', 'x,y', 'shell'));
    second.type('echo xx""z\n');
    await second.see('xxz\r\n');
    second.type('exit 5\n');
    t.equal(await second.status, 5, 'it ends with the task');
    await cluster.reaches('shell', 'TASK_FAILED');
    t.match(await run(attach('shell'), ''), { status: 125, stderr: /it does not run/ });
  });

  await t.test('an agent that is gone leaves none behind', async (t) => {
    await open(fresh(), 'exec sleep 9876');
    await until(() => runs('sleep 9876'), 'it runs');
    await cluster.stop();
    await cluster.start();
    await until(() => !runs('sleep 9876'), 'it is ended');
    t.pass('what its client has left');
    await cluster.kill('host');
    await cluster.reaches('host', 'TASK_KILLED');
  });
});

/** A command to its end. */
function run(
  command: string[],
  input = '',
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const [file = '', ...words] = command;
  const child = spawn(file, words);
  const ran = { status: null as number | null, stdout: '', stderr: '' };
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    ran.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ran.stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (status) => resolve({ ...ran, status })));
}
