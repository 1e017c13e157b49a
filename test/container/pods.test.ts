import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { listPods } from '../../src/containerizer/pod/pods.js';
import { removePod } from '../../src/containerizer/pod/remove-pod.js';
import { listVolumes } from '../../src/containerizer/volume/store.js';
import { until } from '../fixtures/until.js';
import { image, PodStage, script } from './pod-stage.js';
import { unlessRoot } from './stage.js';

interface Reified {
  apps: { name: string; image: { id: string } }[];
}

const get = (what: string) =>
  `wget -qO- --header 'Metadata-Flavor: AppContainer' $AC_METADATA_URL/acMetadata/v1${what}`;
const waitFor = (file: string) => `while [ ! -e ${file} ]; do sleep 0.05; done`;

t.test('apps share what a pod shares, and each has what is its own', unlessRoot, async (t) => {
  const pods = await PodStage.open(t);
  const source = path.join(pods.stage.folder, 'source');
  mkdirSync(source);
  const told =
    'for each in pid net ipc uts user mnt; do echo $AC_APP_NAME $each $(readlink /proc/self/ns/$each); done';
  const first = script(
    `${told}; echo mine > /own; touch /shared/first; ${waitFor('/shared/second')}; stat -c 'volume %a %u %g' /shared
     echo name $(hostname); touch /host/file || echo host read-only; touch /etc/x && echo root writable; exit 4`,
    {
      environment: [{ name: 'GREETING', value: 'a $b' }],
      mountPoints: [
        { name: 'shared', path: '/shared' },
        { name: 'scratch', path: 'scratch' },
      ],
      eventHandlers: [
        {
          name: 'pre-start',
          exec: ['sh', '-c', 'echo before $AC_APP_NAME $GREETING $container $AC_METADATA_URL'],
        },
        { name: 'post-stop', exec: ['sh', '-c', 'echo after $AC_APP_NAME; ls /own'] },
      ],
    },
  );
  const second = script(
    `${told}; ${waitFor('/elsewhere/first')}; touch /elsewhere/second; ls /own || echo no file of another; id
     touch /etc/x || echo root read-only; touch /host/file && echo host writable`,
    { user: 'www-data', group: 'adm' },
  );
  const file = pods.manifest(
    {
      first: { app: first, mounts: [{ volume: 'files', path: '/host' }] },
      second: {
        app: second,
        readOnlyRootFS: true,
        mounts: [
          { volume: 'shared', path: '/elsewhere' },
          { volume: 'files', path: '/host', appVolume: { name: 'other', kind: 'empty', mode: '1777' } },
        ],
      },
    },
    {
      volumes: [
        { name: 'shared', kind: 'empty', mode: '2770', uid: 33, gid: 4 },
        { name: 'files', kind: 'host', source, readOnly: true },
      ],
      isolators: [{ name: 'os/unix/sysctl', value: { 'net.ipv4.ip_unprivileged_port_start': '77' } }],
    },
  );
  const { stdout, status } = await pods.run(file, { hostname: 'together' });
  t.equal(status, 4, stdout);
  const line = (start: string) => stdout.split('\n').find((each) => each.startsWith(start));
  const kind = (app: string, which: string) => line(`${app} ${which} `)?.split(' ')[2];
  for (const shared of ['pid', 'net', 'ipc', 'uts', 'user']) {
    t.match(kind('first', shared), /\[\d+\]/);
    t.equal(kind('first', shared), kind('second', shared), shared);
  }
  t.not(kind('first', 'mnt'), kind('second', 'mnt'));
  t.equal(line('name'), 'name together');
  t.equal(line('volume'), 'volume 2770 33 4');
  t.match(line('before'), /^before first a \$b berth http:\/\/127\.0\.0\.1:\d+\/[\w-]{43}$/);
  t.equal(line('after'), 'after first');
  for (const said of [
    '/own',
    'host read-only',
    'root writable',
    'no file of another',
    'root read-only',
    'host writable',
  ])
    t.ok(stdout.split('\n').includes(said), said);
  t.match(line('uid='), /^uid=33\(www-data\) gid=4\(adm\)/);
  t.notOk(existsSync(path.join(source, 'file')));
});

t.test('the metadata service tells a pod of itself, and nobody else', unlessRoot, async (t) => {
  const pods = await PodStage.open(t);
  const ask = [
    `code() { wget -S -qO- "$@" 2>&1 | awk '/HTTP\\/1/ { print $2; exit }'; }`,
    `for each in pod/manifest pod/annotations pod/uuid apps/asks/annotations apps/asks/image/manifest apps/asks/image/id; do
       ${get('/$each')} -S > /out 2> /head; echo "$each $(awk 'tolower($1) == "content-type:" { $1 = ""; print }' /head) $(cat /out)"; done`,
    `uuid=$(${get('/pod/uuid')}); sign=$(${get('/pod/hmac/sign')} --post-data 'content=a%26b+c')`,
    `echo signature $sign`,
    `enc=$(echo "$sign" | sed 's/+/%2B/g; s/[/]/%2F/g; s/=/%3D/g')`,
    `F='Metadata-Flavor: AppContainer'; V=$AC_METADATA_URL/acMetadata/v1/pod/hmac/verify`,
    `echo right $(code --header "$F" --post-data "content=a%26b+c&uuid=$uuid&signature=$enc" $V)`,
    `echo forged $(code --header "$F" --post-data "content=a%26b+d&uuid=$uuid&signature=$enc" $V)`,
    `echo other $(code --header "$F" --post-data "content=a%26b+c&uuid=00000000-0000-4000-8000-000000000000&signature=$enc" $V)`,
    `echo lacking $(code --header "$F" --post-data "content=a" $V)`,
    `echo flavor $(code $AC_METADATA_URL/acMetadata/v1/pod/uuid)`,
    `echo token $(code --header "$F" \${AC_METADATA_URL%?}/acMetadata/v1/pod/uuid)`,
    `echo none $(code --header "$F" $AC_METADATA_URL/acMetadata/v1/pod/none)`,
    `echo method $(code --header "$F" --post-data x $AC_METADATA_URL/acMetadata/v1/pod/uuid)`,
    `kill -9 1; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/1/status`,
  ].join('\n');
  const annotations = [{ name: 'ip-address', value: '10.1.2.3' }];
  // It has the service's own user and group.
  const spies = script('cat /proc/1/environ /proc/1/mem /proc/1/maps 2>&1 | head -c 300; kill -9 1', {
    user: '65534',
    group: '65534',
  });
  const file = pods.manifest(
    { spies, asks: { app: script(ask), annotations: [{ name: 'authors', value: 'the pod' }] } },
    { annotations, userAnnotations: { anything: 'at all' } },
  );
  const { stdout, status, uuid } = await pods.run(file, { name: 'told', remove: false });
  t.equal(status, 0, stdout);
  const answers = new Map(
    stdout.split('\n').map((line) => {
      const [, key = '', value = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
      return [key, value];
    }),
  );
  const manifest = pods.found('told').keeper?.document.pod?.manifest as Reified;
  const app = manifest.apps[1];
  t.match(app?.image.id, /^sha512-[0-9a-f]{128}$/);
  t.same(JSON.parse(answers.get('pod/manifest')?.replace(/^application\/json /, '') ?? ''), manifest);
  t.match(manifest, {
    userAnnotations: { anything: 'at all' },
    apps: [{ app: spies }, { app: script(ask) }],
  });
  t.equal(answers.get('pod/annotations'), `application/json ${JSON.stringify(annotations)}`);
  t.equal(answers.get('pod/uuid'), `text/plain; charset=us-ascii ${uuid}`);
  t.equal(
    answers.get('apps/asks/annotations'),
    'application/json [{"name":"authors","value":"the pod"},{"name":"example.com/kept","value":"yes"}]',
  );
  t.match(answers.get('apps/asks/image/manifest'), /^application\/json \{.*"example.com\/app"/);
  t.equal(answers.get('apps/asks/image/id'), `text/plain; charset=us-ascii ${app?.image.id}`);
  t.equal(Buffer.from(answers.get('signature') ?? '', 'base64').length, 64);
  const codes = {
    right: 200,
    forged: 403,
    other: 403,
    lacking: 400,
    flavor: 403,
    token: 404,
    none: 404,
    method: 405,
  };
  for (const [question, code] of Object.entries(codes))
    t.equal(answers.get(question), String(code), question);
  t.match(stdout, /\/proc\/1\/environ': Permission denied/, 'what it has is not for apps to read');
  t.match(stdout, /\/proc\/1\/mem': Permission denied/);
  t.match(stdout, /\/proc\/1\/maps': Permission denied/);
  t.match(stdout, /CapEff:\s+0{16}\nNoNewPrivs:\s+1\nSeccomp:\s+2/);
  await removePod(pods.stage.roots, uuid, { force: false });
});

t.test('a pod is there as long as an app of it is, and is looked at like any task', unlessRoot, async (t) => {
  const pods = await PodStage.open(t);
  const { stage } = pods;
  const source = path.join(stage.folder, 'source');
  mkdirSync(source, { mode: 0o777 });
  const up = 'touch /up/$AC_APP_NAME';
  const points = { mountPoints: [{ name: 'up', path: '/up' }] };
  const file = pods.manifest(
    {
      stays: script(`trap "exit 7" TERM; ${up}; echo up; while :; do sleep 0.05; done`, points),
      leaves: script(up, points),
      stubborn: script(`trap "" TERM; ${up}; while :; do sleep 0.05; done`, points),
    },
    { volumes: [{ name: 'up', kind: 'host', source }] },
  );
  const { stdout: uuid, stderr } = stage.berth('pod run', '-d', '--name', 'three', file);
  t.match(uuid, /^[0-9a-f-]{36}\n$/, stderr);
  for (const app of ['stays', 'leaves', 'stubborn']) await until(() => existsSync(path.join(source, app)));
  await until(() => pods.found('three').apps[1]?.state === 'exited');
  t.equal(pods.found(uuid.slice(0, 13)).state, 'running');
  t.equal(stage.berth('logs', 'three.stays').stdout, 'up\n');
  const rows = (...args: string[]) =>
    (
      JSON.parse(stage.berth('ps', '--json', '--interval', '0.05', ...args).stdout) as {
        rows: { level: string; name: string; task_id: string }[];
      }
    ).rows;
  const drilled = rows('three', '--threads');
  const look = stage.berth('top', 'three', '--batch', '1', '--interval', '0.05', '--json').stdout;
  const { rows: seen } = JSON.parse(look) as { rows: typeof drilled };
  for (const name of ['three', 'three.stays', 'three.stubborn'])
    t.ok(
      seen.some((row) => row.level === 'task' && row.name === name),
      `top shows ${name}`,
    );
  const tasks = drilled.filter(({ level }) => level === 'task');
  const names = ['three', 'three.stays', 'three.stubborn'];
  t.same(
    tasks.map(({ name }) => name),
    names,
    'a pod, and what is in it',
  );
  for (const { task_id } of tasks)
    t.ok(
      drilled.some((row) => row.level === 'thread' && row.task_id === task_id),
      'down to threads',
    );
  t.match(stage.berth('pod rm', 'three').stderr, /it is running/);
  t.equal(stage.berth('pod stop', '-t', '1', 'three').status, 0);
  const { apps, state } = JSON.parse(stage.berth('pod inspect', '--json', 'three').stdout) as {
    apps: { exit_code: number }[];
    state: string;
  };
  t.equal(state, 'exited');
  t.same(
    apps.map(({ exit_code }) => exit_code),
    [7, 0, 137],
  );
  t.match(
    stage.berth('pod ls', '-a').stdout,
    /three +exited .*stays \(exited 7\), leaves \(exited 0\), stubborn \(exited 137\)/,
  );
  t.equal(stage.berth('pod rm', 'three').status, 0);
  t.throws(() => pods.found('three'), { code: 'POD_NOT_FOUND' });
  t.same(listVolumes(stage.roots), []);
});

t.test('what cannot be run is refused with its reason, and leaves nothing', unlessRoot, async (t) => {
  const pods = await PodStage.open(t);
  const { folder } = pods.stage;
  mkdirSync(path.join(folder, 'real'));
  symlinkSync('real', path.join(folder, 'link'));
  writeFileSync(path.join(folder, 'torn.json'), '{');
  const host = (source: string) => ({ volumes: [{ name: 'v', kind: 'host', source }] });
  const v = (...places: string[]) => ({
    app: script('true'),
    mounts: places.map((place) => ({ volume: 'v', path: place })),
  });
  const one = { one: script('true') };
  const none = `sha512-${'0'.repeat(128)}`;
  const cases: [string, RegExp][] = [
    [path.join(folder, 'none.json'), /there is no such file/],
    [path.join(folder, 'torn.json'), /it is not JSON/],
    [pods.manifest({}), /apps is not a list with something in it/],
    [pods.manifest(one, { acKind: 'ImageManifest' }), /acKind is not "PodManifest"/],
    [pods.manifest({ 'Not-A-Name': script('true') }), /apps\[0\]\.name is not an AC Name/],
    [
      pods.manifest({ one: v('/v') }, host(path.join(folder, 'missing'))),
      /volume v: there is no .*\/missing/,
    ],
    [pods.manifest({ one: v('/v') }, host(path.join(folder, 'link'))), /symbolic link in it, to .*\/real/],
    [pods.manifest({ one: v('/v') }), /app one: the pod has no volume v for \/v/],
    [pods.manifest({ one: v('/v', '/v/w') }, host(folder)), /\/v and \/v\/w lie one in the other/],
    [pods.manifest({ one: { ...v(), image: { id: none } } }), /the store has no image/],
    [
      pods.manifest({ one: { ...v(), image: { name: image, id: none } } }),
      /image appc:example.com\/app: it is not in the store/,
    ],
    [
      pods.manifest(one, { ports: [{ name: 'www', hostPort: 8080 }] }),
      /no app of the pod has a port of that name/,
    ],
    [pods.manifest({ ...one, two: { ...script('true'), exec: ['/none'] } }), /command \/none: not found/],
  ];
  for (const [file, reason] of cases)
    for (const remove of reason.source.includes('none: not') ? [true, false] : [true])
      await t.rejects(
        (async () => (await pods.start(file, { remove })).ended)(),
        { message: reason },
        reason.source,
      );
  t.same(listPods(pods.stage.roots), []);
  t.same(listVolumes(pods.stage.roots), []);
  const { status, stderr } = pods.stage.berth('pod run', '--image', pods.stage.image.reference);
  t.match(stderr, /is no App Container Image/);
  t.equal(status, 125);
});
