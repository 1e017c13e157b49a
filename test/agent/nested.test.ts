import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sandboxFolder } from '../../src/agent/sandbox/place.js';
import { listContainers } from '../../src/containerizer/container/catalogue.js';
import { cgroupDirectories } from '../../src/containerizer/container/cgroup-places.js';
import { type Codec, jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import type {
  AgentCall,
  AgentResponse,
  CommandInfo,
  ContainerID,
  ContainerInfo,
} from '../../src/mesos/messages.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { post } from '../master-lite/scheduler-client.js';
import { executor, StagedCluster } from './staged-cluster.js';

/** One client of an agent's operator API: an executor, by its token, or root. */
class Client {
  constructor(
    private readonly cluster: StagedCluster,
    private readonly codec: Codec = jsonCodec,
    private readonly token?: string,
  ) {}

  async ask(call: AgentCall): Promise<{ status: number; response: Partial<AgentResponse>; text: string }> {
    const { codec, token } = this;
    const { status, body } = await post(this.cluster.url, '/api/v1', {
      body: codec.encode('mesos.v1.agent.Call', call),
      headers: {
        'Content-Type': codec.contentType,
        Accept: codec.contentType,
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
    });
    const response = status === 200 && body.length > 0 ? codec.decode('mesos.v1.agent.Response', body) : {};
    return { status, response, text: status === 200 ? '' : body.toString() };
  }

  launch(container_id: ContainerID, command: string | CommandInfo, container?: ContainerInfo) {
    return this.ask({
      type: 'LAUNCH_NESTED_CONTAINER',
      launch_nested_container: {
        container_id,
        command: typeof command === 'string' ? { value: command } : command,
        ...(container !== undefined && { container }),
      },
    });
  }

  /** The raw status, or how the call was refused. */
  async wait(container_id: ContainerID): Promise<number | string> {
    const call = { type: 'WAIT_NESTED_CONTAINER' as const, wait_nested_container: { container_id } };
    const { status, response } = await this.ask(call);
    return status === 200 ? (response.wait_nested_container?.exit_status ?? -1) : `refused with ${status}`;
  }

  /** The names in a folder of a sandbox. */
  async files(folder: string): Promise<string[]> {
    const { response } = await this.ask({ type: 'LIST_FILES', list_files: { path: folder } });
    return (response.list_files?.file_infos ?? []).map(({ path: file }) => path.basename(file));
  }

  async read(file: string): Promise<string> {
    const { response, text } = await this.ask({ type: 'READ_FILE', read_file: { path: file, offset: 0 } });
    return response.read_file === undefined ? text : Buffer.from(response.read_file.data).toString();
  }

  async kill(container_id: ContainerID, signal?: number): Promise<number> {
    const kill_nested_container = { container_id, ...(signal !== undefined && { signal }) };
    return (await this.ask({ type: 'KILL_NESTED_CONTAINER', kill_nested_container })).status;
  }

  async remove(container_id: ContainerID): Promise<number> {
    const remove_nested_container = { container_id };
    return (await this.ask({ type: 'REMOVE_NESTED_CONTAINER', remove_nested_container })).status;
  }
}

t.test('containers below others', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage, {
    hostVolumes: [stage.folder],
    executorRegistration: 600,
    executorReregistration: 600,
  });
  const image: ContainerInfo = {
    type: 'MESOS',
    mesos: { image: { type: 'DOCKER', docker: { name: stage.image.reference } } },
  };
  const all = () => listContainers(stage.roots, () => {});
  const operator = new Client(cluster);
  await cluster.launch(
    { name: 'task', command: { value: 'exec sleep 1000' }, container: image },
    { name: 'a', executor: executor('first', 'exec sleep 1000') },
    {
      name: 'b',
      executor: executor('second', '', { command: { value: 'exec sleep 1000', user: 'nobody' } }),
    },
  );
  const told = (await cluster.reaches('task', 'TASK_RUNNING')).container_status?.container_id;
  if (told === undefined) throw new Error('it has no container');
  const task: ContainerID = told;
  const of = (id: string) => {
    const found = cluster.agent.executors.find(cluster.framework.id, id);
    if (found === undefined) throw new Error(`there is no executor ${id}`);
    return found;
  };
  await until(() => of('first').state === 'registering' && of('second').state === 'registering', 'both run');
  const first = new Client(cluster, protobufCodec, of('first').record.token);
  const second = new Client(cluster, jsonCodec, of('second').record.token);
  const sandbox = sandboxFolder(cluster.agent.config.sandboxes, {
    ...{ agentId: cluster.agent.id ?? '', frameworkId: cluster.framework.id },
    ...{ executorId: 'task', containerId: task.value },
  });
  const below = (value: string, parent = task): ContainerID => ({ value, parent });
  const documentOf = (id: ContainerID) => {
    const container = all().find(({ document }) => document.labels['org.berth.nested'] === id.value);
    if (container === undefined) throw new Error(`${id.value} has no container`);
    return container;
  };

  for (const [name, codec] of [
    ['json', jsonCodec],
    ['protobuf', protobufCodec],
  ] as const)
    await t.test(`live and end, ${name}`, async (t) => {
      const client = new Client(cluster, codec);
      const id = below(name);
      const command =
        'echo told; echo blamed >&2; pwd > where; echo $MESOS_CONTAINER_ID $MESOS_TASK_ID > name; cat > /dev/null < /dev/null; until [ -e go ]; do sleep 0.05; done; exit 3';
      const { status, text } = await client.launch(id, command, image);
      t.equal(status, 200, text);
      const own = path.join(sandbox, 'containers', name);
      t.equal((await client.launch(id, 'true', image)).status, 202, 'there is one of that id');
      t.equal(await client.remove(id), 409, 'it runs');
      const { document } = documentOf(id);
      const parents = all().find((each) => each.document.id === task.value)?.document.cgroup_places;
      if (parents === undefined) throw new Error('the task has no container');
      for (const directory of cgroupDirectories(document.cgroup_places))
        t.ok(cgroupDirectories(parents).includes(path.dirname(directory)), directory);
      await until(() => existsSync(path.join(own, 'name')), 'it has written');
      t.equal(readFileSync(path.join(own, 'where'), 'utf8'), '/mnt/mesos/sandbox\n');
      t.equal(readFileSync(path.join(own, 'name'), 'utf8'), `${name}\n`);
      const virtual = `/frameworks/${cluster.framework.id}/executors/task/runs/latest/containers/${name}`;
      t.strictSame(await client.files(virtual), ['name', 'stderr', 'stdout', 'where']);
      const reads = (file: string, text: string) =>
        until(async () => (await client.read(file)) === text, file);
      await reads(`${virtual}/stdout`, 'told\n');
      await reads(`${own}/stderr`, 'blamed\n');
      t.equal(await client.read(`${virtual}/name`), `${name}\n`);
      t.equal(await client.read(path.join(sandbox, 'stdout')), '');
      writeFileSync(path.join(own, 'go'), '');
      t.equal(await client.wait(id), 3 << 8, 'as wait(2) has it');
      t.equal(await client.read(`${virtual}/stdout`), 'told\n', 'after its end too');
      t.equal(await client.wait(id), 3 << 8, 'as often as one asks');
      t.equal(await client.kill(id), 404, 'it has ended');
      t.equal(await client.remove(id), 200);
      t.equal(existsSync(own), false, 'its sandbox is gone with it');
      t.equal(await client.remove(id), 404);
      t.equal(await client.wait(id), 'refused with 404');
      t.equal((await client.launch(id, 'true', image)).status, 200, 'its name is free again');
      t.equal(await client.wait(id), 0);
      t.equal(await client.remove(id), 200);
    });

  await t.test('share what they ask for, and the limits of their parent', async (t) => {
    const volume = { container_path: '/both', mode: 'RW' as const };
    const source = { type: 'SANDBOX_PATH' as const, sandbox_path: { type: 'PARENT' as const, path: 'both' } };
    const more: ContainerInfo = {
      ...image,
      volumes: [{ ...volume, source }],
      linux_info: { share_pid_namespace: true, effective_capabilities: { capabilities: ['CHOWN'] } },
    };
    const id = below('sharing');
    const { status, text } = await operator.launch(
      id,
      'cat /proc/[0-9]*/cmdline | tr "\\0" " " > first; grep CapEff /proc/self/status > /both/caps; exit 0',
      more,
    );
    t.equal(status, 200, text);
    t.equal(await operator.wait(id), 0);
    t.match(readFileSync(path.join(sandbox, 'containers/sharing/first'), 'utf8'), /sleep 1000/);
    t.match(readFileSync(path.join(sandbox, 'both/caps'), 'utf8'), /CapEff:\s+0*1$/m);
    // 32 MiB are the task's. Who is ended when both together want more, the kernel decides.
    await cluster.launch({ name: 'small', command: { value: 'exec sleep 1000' }, container: image });
    const small = (await cluster.reaches('small', 'TASK_RUNNING')).container_status?.container_id;
    const greedy = below('greedy', small);
    const words = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=200M', 'count=1'];
    await operator.launch(greedy, { shell: false, value: 'dd', arguments: words }, image);
    t.not(await operator.wait(greedy), 0, 'more than the parent may is too much');
    await cluster.kill('small');
    const child = below('child', below('sharing2'));
    await operator.launch(below('sharing2'), 'exec sleep 1000', image);
    t.equal((await operator.launch(child, 'exec sleep 1000', image)).status, 200, 'one below one below');
    t.ok(existsSync(path.join(sandbox, 'containers/sharing2/containers/child')));
    t.equal(await operator.kill(below('sharing2')), 200);
    t.equal(await operator.wait(below('sharing2')), 9);
    t.equal(await operator.wait(child), 'refused with 404', 'it went with its parent');
    for (const name of ['sharing', 'sharing2']) t.equal(await operator.remove(below(name)), 200);
  });

  await t.test('refusals', async (t) => {
    const launch = async (id: ContainerID, container?: ContainerInfo) =>
      (await operator.launch(id, 'true', container)).status;
    t.equal(await launch({ value: 'alone' }), 400, 'without a parent');
    t.equal(await launch(below('x', { value: 'nobody' })), 404);
    t.equal(await launch(below('../x')), 400);
    t.equal(await launch(below('x'), { ...image, type: 'DOCKER', docker: { image: 'x' } }), 400);
    t.equal(await launch(below('x'), { ...image, network_infos: [{ name: 'bridge' }] }), 400);
    const resources = [{ name: 'cpus', type: 'SCALAR' as const, scalar: { value: 1 } }];
    const own = {
      type: 'LAUNCH_CONTAINER' as const,
      launch_container: { container_id: below('x'), resources },
    };
    t.equal((await operator.ask(own)).status, 400, 'what it may use is its parent’s');
    // A task can put what it likes into its sandbox.
    const outside = path.join(stage.folder, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, path.join(sandbox, 'linked'));
    const source = {
      type: 'SANDBOX_PATH' as const,
      sandbox_path: { type: 'PARENT' as const, path: 'linked' },
    };
    const volumes = [{ container_path: '/x', mode: 'RW' as const, source }];
    t.equal(await launch(below('x'), { ...image, volumes }), 400, 'a link in place of a folder');
    t.equal(existsSync(path.join(sandbox, 'containers/x')), false, 'nothing is left');
    mkdirSync(path.join(sandbox, 'containers/taken'), { recursive: true });
    t.equal(await launch(below('taken'), image), 400, 'there is something of that name');
    t.ok(existsSync(path.join(sandbox, 'containers/taken')));
  });

  await t.test('are an executor’s own affair', async (t) => {
    const own = (id: string): ContainerID => ({ value: of(id).containerId });
    const id = below('work', own('first'));
    t.equal((await first.launch(id, 'exec sleep 1000')).status, 200);
    t.equal((await first.launch(below('x', own('second')), 'true')).status, 403, 'below another executor');
    t.equal((await first.launch(below('x'), 'true')).status, 403, 'below a task');
    const hidden = below('x', { ...own('second'), parent: own('first') });
    t.equal((await first.launch(hidden, 'true')).status, 403, 'whatever is put above it');
    t.equal(await second.wait(id), 'refused with 404', 'of another');
    t.equal(await second.kill(id), 404);
    t.equal((await second.ask({ type: 'GET_STATE' })).status, 403, 'nothing else is for executors');
    const session = { container_id: below('s', own('second')), command: { value: 'true' } };
    const call = {
      type: 'LAUNCH_NESTED_CONTAINER_SESSION' as const,
      launch_nested_container_session: session,
    };
    t.equal((await second.ask(call)).status, 403);
    t.equal((await new Client(cluster, jsonCodec, 'unknown').launch(id, 'true')).status, 401);
    t.equal(await first.kill(id, 15), 200);
    t.equal(await operator.wait(id), 143 << 8);
    const becoming = await second.launch(below('other', own('second')), { value: 'true', user: 'root' });
    t.match([becoming.status, becoming.text], [403, /of user 'nobody' may not run programs as 'root'/]);
    const mine = below('mine', own('second'));
    t.equal((await second.launch(mine, '[ $(id -un) = nobody ]')).status, 200);
    t.equal(await second.wait(mine), 0, 'nor by saying nothing, whatever the framework’s user');
    for (const [name, user] of [
      ['silent', {}],
      ['empty', { user: '' }],
      ['said', { user: 'nobody' }],
    ] as const)
      for (const container of [undefined, image]) {
        const id = below(`${name}-${container === undefined ? 'host' : 'image'}`, own('second'));
        const { status, text } = await second.launch(
          id,
          { value: '[ $(id -u) = 65534 ]', ...user },
          container,
        );
        t.equal(status, 200, text);
        t.equal(await second.wait(id), 0, id.value);
      }
  });

  await t.test('outlive the agent', async (t) => {
    const [lasting, ending] = [below('lasting'), below('ending')];
    await operator.launch(lasting, 'exec sleep 1000', image);
    await operator.launch(ending, 'until [ -e go ]; do sleep 0.05; done; exit 5', image);
    const { process } = documentOf(lasting);
    await cluster.stop();
    writeFileSync(path.join(sandbox, 'containers/ending/go'), '');
    await until(() => documentOf(ending).exit !== undefined, 'one ends without it');
    await cluster.start();
    t.equal(await operator.wait(ending), 5 << 8, 'its end is found');
    t.strictSame(documentOf(lasting).process, process, 'the other is the same');
    const containers = await operator.ask({ type: 'GET_CONTAINERS', get_containers: { show_nested: true } });
    const names = containers.response.get_containers?.containers?.map(({ container_id }) => container_id);
    t.match(
      names?.find(({ value }) => value === 'lasting'),
      { parent: { value: task.value } },
    );
    t.equal(await operator.kill(lasting), 200);
    t.equal(await operator.wait(lasting), 9);
  });

  await t.test('end with their parent', async () => {
    await operator.launch(below('last'), 'exec sleep 1000', image);
    const root: ContainerID = { value: of('first').containerId };
    await first.launch(below('last', root), 'exec sleep 1000');
    await cluster.kill('task');
    await cluster.reaches('task', 'TASK_KILLED');
    await cluster.stop();
    // It ends while there is no agent.
    const pid = all().find(({ document }) => document.id === root.value)?.process?.task.pid ?? -1;
    process.kill(pid, 'SIGKILL');
    await cluster.start();
    await cluster.reaches('a', 'TASK_FAILED');
    const [executor_id, agent_id] = [{ value: 'second' }, { value: cluster.agent.id ?? '' }];
    await cluster.framework.call({ type: 'SHUTDOWN', shutdown: { executor_id, agent_id } });
    await until(() => all().length === 0, 'nothing is left of them');
  });
});
