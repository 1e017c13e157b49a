import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { readContainer } from '../../src/containerizer/container/catalogue.js';
import { launchPod, type RunningPod } from '../../src/containerizer/pod/launch-pod.js';
import { planPod } from '../../src/containerizer/pod/plan-pod.js';
import { listPods } from '../../src/containerizer/pod/pods.js';
import { readPodManifest } from '../../src/containerizer/pod/read-manifest.js';
import { removePod } from '../../src/containerizer/pod/remove-pod.js';
import { places } from '../../src/state/roots.js';
import { until } from '../fixtures/until.js';
import { connectInPod, PodStage, script } from './pod-stage.js';
import { unlessRoot } from './stage.js';

/** The apps of a pod that wait to be ended, each of which has said that it is up and where its metadata service is. */
async function waiting(pods: PodStage, ...apps: string[]) {
  const source = path.join(pods.stage.folder, `up-${apps.join('-')}`);
  mkdirSync(source);
  const waits = script(
    'echo $AC_METADATA_URL > /up/.new; mv /up/.new /up/$AC_APP_NAME; while :; do sleep 100; done',
    { mountPoints: [{ name: 'up', path: '/up' }] },
  );
  const all = Object.fromEntries(apps.map((name) => [name, waits]));
  const volumes = [
    { name: 'up', kind: 'host', source },
    { name: 'own', kind: 'empty' },
  ];
  return {
    file: pods.manifest(all, { volumes, userLabels: { much: 'x'.repeat(900_000) } }),
    up: (app: string) => existsSync(path.join(source, app)),
    url: (app: string) => new URL(readFileSync(path.join(source, app), 'utf8').trim()),
  };
}

function supervisorOf(pods: PodStage, id: string): number {
  const pid = readContainer(pods.stage.roots, id)?.process?.supervisor.pid;
  if (pid === undefined) throw new Error(`${id} has no supervisor`);
  return pid;
}

/** Speaks to the metadata service of a pod as its apps do. */
function clientOf(pods: PodStage, pod: string, { port, pathname }: URL) {
  const { pid = 0, start_time = 0 } = pods.found(pod).keeper?.process?.task ?? {};
  const head = (what: string, more = '', method = 'GET') =>
    `${method} ${pathname}/acMetadata/v1${what} HTTP/1.1\r\nHost: pod\r\nMetadata-Flavor: AppContainer\r\n${more}\r\n`;
  const post = (what: string, form: Record<string, string>) => {
    const body = new URLSearchParams(form).toString();
    return head(what, `Content-Length: ${body.length}\r\n`, 'POST') + body;
  };
  const open = async () => {
    const fd = await connectInPod(pid, start_time, Number(port));
    const socket = new Socket({ fd, readable: true, writable: true });
    // A connection that is reset has an end too.
    socket.on('error', () => {});
    return socket;
  };
  const ask = async (...parts: string[]) => {
    const socket = await open();
    const heard = hear(socket);
    for (const part of parts) {
      socket.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return heard;
  };
  return { head, post, open, ask };
}

async function hear(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

t.test('no client of the metadata service keeps another from it', unlessRoot, async (t) => {
  const pods = await PodStage.open(t);
  const { file, up, url } = await waiting(pods, 'one');
  const pod = await pods.start(file, { name: 'asked' });
  t.teardown(async () => {
    pod.signal(9);
    await pod.gone;
  });
  await until(() => up('one'));
  t.match(
    pods.found('asked').keeper?.document.limits,
    { memory: Number, pids: 8, cpus: 0.5 },
    'what it may use',
  );
  const config = readFileSync(path.join(places.run(pods.stage.roots, pod.keeper.id), 'config.json'), 'utf8');
  t.notMatch(config, /"(ptrace|execveat|openat2|clone|fork|setuid|kill)"/, 'what it may call');
  const { open, ask, head } = clientOf(pods, 'asked', url('one'));
  const right = async (why: string) =>
    t.match(await ask(head('/pod/uuid')), new RegExp(`\r\n\r\n${pod.uuid}$`), why);

  t.match(await ask(...head('/pod/uuid')), /^HTTP\/1\.1 200 OK\r\n/, 'byte by byte');
  const deaf = await open();
  deaf.pause();
  deaf.write(head('/pod/manifest'));
  await right('beside one that does not read');
  t.match(await ask('a'.repeat(64 << 10)), /^HTTP\/1\.1 431 /);
  t.match(
    await ask(head('/pod/hmac/sign', 'Content-Length: 999999999\r\n', 'POST'), 'a'.repeat(256 << 10)),
    /^HTTP\/1\.1 413 /,
  );
  t.match(await ask('\0\r\n\r\n'), /^HTTP\/1\.1 400 /);
  const large = `content=${'a'.repeat((256 << 10) - 8)}`;
  t.match(
    await ask(head('/pod/hmac/sign', `Content-Length: ${large.length}\r\n`, 'POST'), large),
    /\r\n\r\n[\w+/]{86}==$/,
  );
  const expecting = head('/pod/hmac/sign', 'Content-Length: 9\r\nExpect: 100-continue\r\n', 'POST');
  const polite = await open();
  const answered = hear(polite);
  polite.write(expecting);
  await once(polite, 'data');
  polite.write('content=a');
  t.match(await answered, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);

  const many = await Promise.all(Array.from({ length: 150 }, open));
  for (const socket of many) socket.resume().write('GET /');
  await right('beside 150 that say nothing');
  await until(() => many.filter(({ closed }) => closed).length >= 150 - 64, 'the oldest make room');
  for (const socket of [...many, deaf]) socket.destroy();
  const silent = await open();
  await once(silent.resume(), 'close');
  await right('when one that said nothing was sent away');
});

t.test('what one pod signs another verifies, and nobody once it is gone', unlessRoot, async (t) => {
  const pods = await PodStage.open(t);
  const started = await Promise.all(
    ['signs', 'checks'].map(async (name) => {
      const { file, up, url } = await waiting(pods, name);
      const pod = await pods.start(file, { name });
      t.teardown(async () => {
        pod.signal(9);
        await pod.gone;
      });
      await until(() => up(name));
      return { pod, ...clientOf(pods, name, url(name)) };
    }),
  );
  const [signs, checks] = started;
  if (signs === undefined || checks === undefined) throw new Error('two pods');
  const content = `it was me & me alone ${'x'.repeat(100_000)}`;
  const signed = await signs.ask(signs.post('/pod/hmac/sign', { content }));
  const signature = signed.split('\r\n\r\n')[1] ?? '';
  const verify = async (form: Record<string, string> = {}) => {
    const whole = { content, signature, uuid: signs.pod.uuid, ...form };
    return (await checks.ask(checks.post('/pod/hmac/verify', whole))).slice(9, 12);
  };
  t.equal(await verify(), '200');
  t.equal(await verify({ content: 'it was me' }), '403');
  t.equal(await verify({ uuid: checks.pod.uuid }), '403', 'by another');
  for (const uuid of ['../pods', signs.pod.uuid.toUpperCase(), `${signs.pod.uuid}/`, randomUUID()])
    t.equal(await verify({ uuid }), '403', uuid);
  const socket = path.join(places.podSockets(pods.stage.roots), signs.pod.uuid);
  t.ok(existsSync(socket));
  process.kill(signs.pod.keeper.pid, 'SIGKILL');
  await signs.pod.gone;
  t.equal(await verify(), '403', 'gone');
  t.ok(existsSync(socket), 'who is killed clears up nothing');
  t.match(pods.stage.berth('gc').stdout, /socket/);
  t.notOk(existsSync(socket));
  checks.pod.signal(9);
  await checks.pod.gone;
  t.same(readdirSync(path.dirname(socket)), []);
});

t.test('a pod ended when its starter was gone before its word was read', unlessRoot, async (t) => {
  const pods = await PodStage.open(t);
  const { file, up } = await waiting(pods, 'one');
  const { roots } = pods.stage;
  const onWarning = () => {};
  const plan = await planPod(roots, readPodManifest(file), { name: 'slow', remove: true, onWarning });
  const app = plan.apps[0];
  if (app === undefined) throw new Error('a pod of one app');
  const { options } = app;
  const supervisor = () => supervisorOf(pods, pods.found('slow').keeper?.document.id ?? '');
  Object.defineProperty(app, 'options', {
    get() {
      process.kill(supervisor(), 'SIGSTOP');
      return options;
    },
  });
  let told = false;
  const starting = launchPod(roots, plan, null, onWarning).then((pod) => {
    told = true;
    return pod;
  });
  await until(() => up('one'));
  await setTimeout(200);
  t.notOk(told, 'as long as nobody has heard that it goes');
  process.kill(supervisor(), 'SIGCONT');
  const pod = await starting;
  pod.signal(9);
  await pod.gone;
});

t.test('whoever is killed takes what cannot go on along, and leaves nothing', unlessRoot, async (t) => {
  const pods = await PodStage.open(t);
  const { file, up } = await waiting(pods, 'one', 'two');
  const half = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('./half-pod.js', import.meta.url)),
      pods.stage.roots.root,
      pods.stage.roots.state,
      file,
      'half',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  ) as ChildProcess & { stdout: NodeJS.ReadableStream };
  await once(half.stdout, 'data');
  t.equal(pods.found('half').state, 'running');
  half.kill('SIGKILL');
  await until(() => pods.found('half').state === 'exited');
  const { keeper, apps, uuid } = pods.found('half');
  t.same(
    [keeper, ...apps].map((each) => each?.exit?.status),
    [1, 137],
    'a pod that nobody finishes is none',
  );
  await removePod(pods.stage.roots, uuid, { force: false });

  const victims: Record<string, (pod: RunningPod) => number> = {
    'its first process': ({ keeper: { pid } }) => pid,
    'the supervisor of that': ({ keeper: { id } }) => supervisorOf(pods, id),
  };
  for (const [who, victim] of Object.entries(victims)) {
    const pod = await pods.start(file);
    process.kill(victim(pod), 'SIGKILL');
    t.equal((await pod.ended).status, 137, who);
    await pod.gone;
  }

  const pod = await pods.start(file, { name: 'goes-on' });
  await until(() => up('two'));
  const [one, two] = pod.apps.map(({ container }) => container);
  process.kill(supervisorOf(pods, one?.id ?? ''), 'SIGKILL');
  t.match(await one?.ended, { status: 137, reason: /supervisor/ });
  t.equal(pods.found('goes-on').state, 'running', 'the other app goes on');
  two?.signal(9);
  await pod.gone;

  // The front of a pod in the foreground: its signals are the apps', and so is its end.
  const client = pods.stage.spawn('pod run', '--rm', '--name', 'front', file);
  await until(() => listPods(pods.stage.roots).some(({ apps }) => apps.length === 2));
  client.kill('SIGTERM');
  t.same(await once(client, 'exit'), [143, null]);
});
