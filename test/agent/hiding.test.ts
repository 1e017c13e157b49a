import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { defaultConfig } from '../../src/agent/config.js';
import { hiddenPlaces } from '../../src/agent/container/hidden-places.js';
import { hostFolder } from '../../src/agent/container/host-folders.js';
import { planContainer } from '../../src/agent/container/plan.js';
import type { ContainerFacts } from '../../src/agent/container/workload.js';
import { defaultCapabilities } from '../../src/containerizer/container/describe/defaults.js';
import type { ContainerInfo, Volume } from '../../src/mesos/messages.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { sandboxOf } from './staged-agent.js';
import { StagedCluster } from './staged-cluster.js';

const facts: ContainerFacts = {
  ...{ sandbox: '/srv/sandbox', variables: {}, hostname: 'here', cpuCeiling: false, hostRoot: 'read-only' },
  hostFolders: { allowed: ['/'], hidden: ['/var/lib/berth'] },
  ...{ localImages: false, privileged: false, hostCapabilities: defaultCapabilities },
  systemMounts: () => [],
  persistentVolume: () => '',
};
const plan = (container?: ContainerInfo, more: Partial<ContainerFacts> = {}) =>
  planContainer(
    { command: { value: 'true' }, container, resources: [], user: 'root' },
    { ...facts, ...more },
  );
const docker = (image: string, more: object = {}): ContainerInfo => ({
  type: 'DOCKER',
  docker: { image, ...more },
});

t.test('frameworks name images, not files of the host', async (t) => {
  for (const reference of [
    'dir:/',
    'dir:.',
    'oci:/x',
    'oci-archive:/x',
    'docker-archive:/x',
    '/x.aci',
    'appc:/x.aci',
  ]) {
    const mesos: ContainerInfo = {
      type: 'MESOS',
      mesos: { image: { type: 'DOCKER', docker: { name: reference } } },
    };
    for (const container of [docker(reference), mesos])
      t.throws(() => plan(container), { message: /it is a file of this host/ }, reference);
    t.equal(plan(docker(reference), { localImages: true }).image.reference, reference);
  }
  for (const reference of ['busybox', 'registry.example:5000/a/b:c', 'appc:example.com/app:1'])
    t.equal(plan(docker(reference)).image.reference, reference);
  t.equal(plan().image.reference, 'dir:/', 'the agent itself does');
});

t.test('who names an empty user names none', async (t) => {
  const userOf = (user: string | undefined, container?: ContainerInfo) =>
    planContainer(
      {
        command: { value: 'true', ...(user !== undefined && { user }) },
        container,
        resources: [],
        user: 'ada',
      },
      facts,
    ).options.user;
  t.equal(userOf('bob'), 'bob');
  t.equal(userOf(undefined), 'ada');
  t.equal(userOf(''), 'ada', 'not root');
  t.equal(userOf('', docker('busybox')), undefined, 'as the image has it');
});

t.test('a task with the ids of the host has no more than the agent allows there', async (t) => {
  const linux = (info: object): ContainerInfo => ({ type: 'MESOS', linux_info: info });
  const capable = (...capabilities: 'SYS_ADMIN'[] | 'CHOWN'[]) =>
    linux({ effective_capabilities: { capabilities } });
  t.throws(() => plan(capable('SYS_ADMIN')), { message: /CAP_SYS_ADMIN.*no more there/ });
  t.throws(() => plan(linux({ seccomp: { unconfined: true } })), { message: /seccomp/ });
  t.throws(() => plan(docker('busybox', { privileged: true })), { message: /runs no privileged/ });
  t.equal(plan(docker('busybox', { privileged: true }), { privileged: true }).options.privileged, true);
  t.strictSame(plan(capable('CHOWN')).options.capAdd, ['CAP_CHOWN']);
  const less = plan(undefined, { hostCapabilities: ['CAP_KILL'] }).options;
  t.match(less, { capAdd: ['CAP_KILL'], capDrop: ['ALL'], privileged: false });
  t.match(plan(capable('SYS_ADMIN'), { hostCapabilities: ['SYS_ADMIN'] }).options.capAdd, ['CAP_SYS_ADMIN']);
});

t.test('volumes of the host are of its folders for data', async (t) => {
  const folder = mkdtempSync('/var/tmp/berth-test-hiding-');
  t.teardown(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => path.join(folder, name);
  for (const name of ['data/inner', 'root/agent', 'other']) mkdirSync(at(name), { recursive: true });
  symlinkSync(at('root'), at('data/link'));
  symlinkSync(at('data'), at('alias'));
  const of = (given: string, allowed = [at('data'), at('root')]) =>
    hostFolder(given, { allowed, hidden: [at('root')] });
  t.equal(of(at('data')), at('data'));
  t.equal(of(at('alias/inner')), at('data/inner'), 'with no link on the way');
  t.equal(of(at('data/inner'), [at('alias')]), at('data/inner'));
  for (const hidden of [folder, at('root'), at('root/agent'), at('data/link'), at('data/link/agent')])
    t.throws(() => of(hidden, ['/']), { message: /what is not for tasks/ }, hidden);
  for (const kernel of ['/', '/proc', '/proc/self/root', '/sys/kernel', '/dev'])
    t.throws(() => of(kernel, ['/']), { message: /what is not for tasks/ }, kernel);
  t.throws(() => of(at('other')), { message: /none of the host_volumes/ });
  t.throws(() => of(at('data/none')), { message: /no such file/ });
  t.throws(() => of(at('data-not'), [at('data')]));
  const volumes: Volume[] = [{ container_path: '/x', host_path: '/var/lib', mode: 'RW' }];
  t.throws(() => plan({ type: 'MESOS', volumes }));
});

t.test('secrets of berth’s are among what is hidden, wherever they lie', async (t) => {
  const roots = { root: '/r', state: '/s' };
  const hidden = hiddenPlaces(roots, {
    ...{ ...defaultConfig(roots), tlsKey: '/k/host.key', secretFiles: ['/c/agent.json'] },
  });
  for (const place of ['/r', '/s', '/r/agent', '/k/host.key', '/c/agent.json'])
    t.ok(hidden.includes(place), place);
  t.equal(hidden.includes('/etc/berth'), existsSync('/etc/berth'));
});

t.test('what is the agent’s is out of reach of tasks', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const at = (name: string) => path.join(stage.folder, name);
  for (const name of ['shared', 'kept']) mkdirSync(at(name));
  writeFileSync(at('secret'), 'secret');
  symlinkSync(at('kept'), at('shared/link'));
  writeFileSync(at('kept/mark'), '');
  await t.test('a volume through a link that came since', async (t) => {
    const volume = {
      source: at('shared/link'),
      target: '/seen',
      readonly: false,
      recursive: false,
      idmap: true,
    };
    t.equal(await stage.sh('ls /seen', { volumes: [volume] }), 'mark');
    for (const propagation of ['private', 'slave'] as const)
      await t.rejects(stage.run(['ls', '/seen'], { volumes: [{ ...volume, plain: true, propagation }] }));
    const plain = { ...volume, source: at('kept'), plain: true };
    t.equal(await stage.sh('ls /seen', { volumes: [plain] }), 'mark');
    await t.rejects(stage.run(['true'], { mask: ['some/where'] }), { message: /no absolute path/ });
  });
  await t.test('wherever it lies', async (t) => {
    const cluster = await StagedCluster.open(t, stage, {
      ...{
        folder: at('agent'),
        sandboxes: at('boxes'),
        secretFiles: [at('secret')],
        hostVolumes: [at('shared')],
      },
      // The folders of this test lie where it would have a place of its own.
      hostRoot: 'discarded',
    });
    const inSandbox = (name: string, file: string) => {
      const ended = cluster.status(name, 'TASK_RUNNING');
      const box = ended && sandboxOf(stage, ended, cluster.framework.id);
      return readFileSync(
        path.join(box?.replace(path.join(stage.roots.root, 'sandboxes'), at('boxes')) ?? '', file),
        'utf8',
      );
    };
    const look = ['agent', 'boxes', 'secret', 'root'].map(
      (name) => `echo ${name}:; ls -A ${at(name)}; cat ${at(name)}`,
    );
    const volume = (host_path: string): ContainerInfo => ({
      type: 'MESOS',
      volumes: [{ container_path: 'v', host_path, mode: 'RW' }],
    });
    await cluster.launch(
      { name: 'looks', command: { value: `(${look.join('; ')}) > seen 2> errors; true` } },
      { name: 'shares', command: { value: 'touch v/shared' }, container: volume(at('shared')) },
      { name: 'follows', command: { value: 'true' }, container: volume(at('shared/link')) },
    );
    for (const name of ['looks', 'shares']) await cluster.reaches(name, 'TASK_FINISHED');
    t.match(inSandbox('looks', 'seen'), /^agent:\nboxes:\nsecret:\n(.*secret\n)?root:\n$/);
    t.ok(existsSync(at('shared/shared')));
    t.match(await cluster.reaches('follows', 'TASK_FAILED'), { message: /none of the host_volumes/ });
  });
});
