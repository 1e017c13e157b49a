import t from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { createContainer } from '../../src/containerizer/container/create.js';
import { type ContainerFilters, selectContainers } from '../../src/containerizer/container/selection.js';
import { waitForExit } from '../../src/containerizer/container/wait.js';
import { defaults, Stage, unlessRoot } from './stage.js';

t.test('containers are chosen and shown as docker users do it', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const kept = { remove: false };
  const up = await stage.start(['sleep', '1000'], {
    ...kept,
    name: 'web-1',
    labels: { tier: 'web', a: '1' },
  });
  await stage.start(['sh', '-c', 'exit 3'], { ...kept, name: 'job', labels: { tier: 'batch' } });
  await waitForExit(roots, findContainer(roots, 'job'));
  await createContainer(roots, {
    image: stage.image,
    options: { ...defaults, ...kept, name: 'web-2', labels: { tier: 'web' }, command: ['true'] },
  });
  const chosen = (filters: ContainerFilters) =>
    selectContainers(roots, filters).map((id) => findContainer(roots, id).document.name);
  const digest = stage.image.manifestDigest;
  const cases: [ContainerFilters, string[]][] = [
    [{}, ['web-1', 'job', 'web-2']],
    [{ id: [up.id.slice(0, 6)] }, ['web-1']],
    [{ name: ['^web'] }, ['web-1', 'web-2']],
    [{ name: ['job', '-2$'] }, ['job', 'web-2']],
    [{ status: ['created', 'running'] }, ['web-1', 'web-2']],
    [{ exited: ['3'] }, ['job']],
    [{ exited: ['0'] }, []],
    [{ label: ['tier=web', 'a'] }, ['web-1']],
    [{ label: ['tier=nothing'] }, []],
    [{ name: ['web'], status: ['created'] }, ['web-2']],
    [{ ancestor: [stage.image.reference] }, ['web-1', 'job', 'web-2']],
    [{ ancestor: [digest.slice(7, 19)] }, ['web-1', 'job', 'web-2']],
    [{ ancestor: ['other'] }, []],
    [{ network: ['none'] }, ['web-1', 'job', 'web-2']],
    [{ volume: ['data'] }, []],
    [{ health: ['none'] }, ['web-1', 'job', 'web-2']],
    [{ before: ['job'] }, ['web-1']],
    [{ since: ['job'] }, ['web-2']],
  ];
  for (const [filters, names] of cases) t.strictSame(chosen(filters), names, JSON.stringify(filters));
  t.throws(() => chosen({ since: ['nobody'] }), { code: 'CONTAINER_NOT_FOUND' });

  const ps = (...args: string[]) => stage.berth('ps', ...args);
  t.match(ps('-qf', 'status=exited', '--format', 'json'), { status: 0, stdout: /^[0-9a-f]{12}\n$/ });
  t.match(ps('--filter', 'name=web', '--format', '{{.ID}} {{.Status}} {{.Label "a"}}'), {
    status: 0,
    stdout: new RegExp(`^${up.id} Up \\d+s 1\\n$`),
  });
  t.match(ps('-n', '2', '--format', '{{.Names}} {{.State}}'), { stdout: 'job exited\nweb-2 created\n' });
  t.match(ps('-l', '--format', 'table {{.Names}}\\t{{.Command}}'), {
    stdout: 'NAMES  COMMAND\nweb-2  "true"\n',
  });
  t.match(ps('--filter', 'state=up'), { status: 125, stderr: /KEY one of id, name/ });
  t.match(ps('--filter', 'name=['), { status: 125, stderr: /name is a regular expression/ });
  t.match(
    stage.berth(
      'inspect',
      '-f',
      '{{.Name}} {{.State.Running}} {{.State.ExitCode}} {{.state}}',
      'job',
      'web-1',
    ),
    {
      status: 0,
      stdout: 'job false 3 exited\nweb-1 true 0 running\n',
    },
  );

  // As docker and podman: what is not there is as it was wanted.
  t.match(stage.berth('rm', '-f', 'nobody', 'job', 'web-1', 'web-2'), {
    status: 0,
    stdout: 'job\nweb-1\nweb-2\n',
    stderr: /^berth: container nobody: no container has that name or id\n$/,
  });
  t.match(stage.berth('rm', 'nobody'), { status: 125 });
});
