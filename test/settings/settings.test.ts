import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { checkAgentConfig } from '../../src/agent/check.js';
import { defaultConfig as agentDefaults } from '../../src/agent/config.js';
import { agentSettings } from '../../src/agent/settings.js';
import { agentUnit } from '../../src/containerizer/host/systemd-scope.js';
import { BerthError } from '../../src/errors/berth-error.js';
import { checkMasterConfig } from '../../src/master-lite/check.js';
import { defaultConfig as masterDefaults } from '../../src/master-lite/config.js';
import { masterSettings } from '../../src/master-lite/settings.js';
import { nodeOptions } from '../../src/service/daemon-node.js';
import { agentService, masterService } from '../../src/service/kinds.js';
import { readUnit, unitName, unitText } from '../../src/service/unit.js';
import { parseCommented, withoutComments } from '../../src/settings/comments.js';
import { environmentSettings, settingsOf } from '../../src/settings/read-settings.js';
import { sampleFile } from '../../src/settings/sample.js';
import { misfit } from '../../src/settings/schema.js';
import { type Settings, variableOf } from '../../src/settings/setting.js';
import { berth } from '../cli/berth.js';

const daemons = [agentSettings, masterSettings] as readonly Settings<object>[];

t.test('comments, and a last comma, wherever JSON has blanks', async (t) => {
  const blank = fc.constantFrom(
    '',
    ' ',
    '\n',
    '\t',
    '// a "word", /* and */ }\n',
    '/* two\n lines ] */',
    '/**/',
  );
  /** The same value, written with `gap` between all its tokens. */
  const written = (value: unknown, gap: () => string): string => {
    const list = (open: string, parts: string[], close: string) => {
      const last = parts.length > 0 && gap() === '' ? `,${gap()}` : '';
      return `${open}${parts.map((part) => `${gap()}${part}${gap()}`).join(',')}${last}${gap()}${close}`;
    };
    if (Array.isArray(value))
      return list(
        '[',
        value.map((each) => written(each, gap)),
        ']',
      );
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const members = Object.entries(value).map(
      ([name, each]) => `${JSON.stringify(name)}${gap()}:${gap()}${written(each, gap)}`,
    );
    return list('{', members, '}');
  };
  fc.assert(
    fc.property(fc.jsonValue(), fc.infiniteStream(blank), (value, blanks) => {
      const gap = () => (blanks.next().value as string | undefined) ?? '';
      const text = `${gap()}${written(value, gap)}${gap()}`;
      t.strictSame(parseCommented(text), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      const plain = withoutComments(text);
      return plain.length === text.length && plain.split('\n').length === text.split('\n').length;
    }),
  );
  t.throws(() => parseCommented('{\n  "a": 1 // one\n  "b": 2\n}'), /in line 3, column 3$/);
  t.throws(() => parseCommented('{,}'));
  t.throws(() => parseCommented('[1,,]'));
});

/** What reading it is refused with. */
function refusal(settings: Settings<object>, text: string, mode = 0o600): string {
  const refuse = (why: string, mend?: string) =>
    new BerthError('USAGE', { what: 'F', why, ...(mend !== undefined && { mend }) });
  try {
    settingsOf(text, settings, refuse, () => mode, 'Run chmod 600 F.');
  } catch (error) {
    if (error instanceof BerthError) return error.message;
    throw error;
  }
  return '';
}

t.test(
  'every member: its own example fits, others are refused with the place and what is allowed',
  async (t) => {
    for (const settings of daemons)
      for (const { name, schema, shown, secret } of settings.members) {
        const file = (value: unknown) => JSON.stringify({ [name]: value });
        t.equal(refusal(settings, file(shown)), '', `${settings.daemon}: ${name}`);
        if (secret === true)
          t.match(refusal(settings, file(shown), 0o640), /it holds .*, and others can read it/);
        fc.assert(
          fc.property(fc.jsonValue({ maxDepth: 2 }), (value) => {
            const told = refusal(settings, file(value));
            if (misfit(schema, value) === undefined) t.equal(told, '');
            else t.match(told, /^F: .+ must be \S/s);
          }),
          { numRuns: 30 },
        );
      }
    t.equal(
      refusal(agentSettings as Settings<object>, '{"kill_grace_seconds": -1}'),
      'F: kill_grace_seconds must be a number from 0 on',
    );
    t.equal(
      refusal(agentSettings as Settings<object>, '{"killgrace": 1}'),
      'F: there is no member "killgrace"',
    );
    t.equal(
      refusal(agentSettings as Settings<object>, '{"__proto__": 1}'),
      'F: there is no member "__proto__"',
    );
    t.equal(
      refusal(masterSettings as Settings<object>, '{"permissions": {"a": {"view": true, "fly": true}}}'),
      'F: permissions.a.fly must be one of register_agents, register_frameworks, run_tasks, view, teardown, operate',
    );
    t.equal(refusal(masterSettings as Settings<object>, '[]'), 'F: it is not a JSON object');
  },
);

t.test('a sample is a file that can be read, and shows what it is given', async (t) => {
  for (const settings of daemons) {
    t.equal(refusal(settings, sampleFile(settings)), '');
    const given = Object.fromEntries(settings.members.map(({ name, shown }) => [name, shown]));
    const sample = sampleFile(settings, given);
    t.strictSame(parseCommented(sample), given);
    t.strictSame(parseCommented(sampleFile(settings)), {});
    const uncommented = sampleFile(settings).replace(/^ {2}\/\/ (?=["[\]{} ])/gm, '  ');
    t.strictSame(
      Object.keys(parseCommented(uncommented) as object),
      Object.keys(given),
      'each can be uncommented',
    );
  }
});

t.test('the environment', async (t) => {
  const agent = agentSettings as Settings<object>;
  t.strictSame(
    environmentSettings(agent, {
      BERTH_AGENT_MASTERS: 'https://a:1, https://b:1',
      BERTH_AGENT_KILL_GRACE_SECONDS: '7.5',
      BERTH_AGENT_PRIVILEGED: 'true',
      BERTH_AGENT_LISTEN: '[::1]:80',
      BERTH_AGENT_TOKEN: 'whatever asks an agent has',
      BERTH_MASTER: 'http://c:1',
    }),
    { masters: ['https://a:1', 'https://b:1'], killGrace: 7.5, privileged: true, host: '::1', port: 80 },
  );
  t.throws(() => environmentSettings(agent, { BERTH_AGENT_PRIVILEGED: 'yes' }), /"yes" is not true or false/);
  t.throws(() => environmentSettings(agent, { BERTH_AGENT_KILLGRACE: '1' }), /knows no such variable/);
  t.throws(
    () => environmentSettings(agent, { BERTH_AGENT_CREDENTIALS: '[]' }),
    /does not belong into the environment/,
  );
  t.equal(new Set(agent.members.map((each) => variableOf(agent, each))).size, agent.members.length);
});

t.test('a flag goes before the environment, that before the file; --check says what is wrong', async (t) => {
  const folder = t.testdir({ 'agent.json': '{"resources": "cpus:1", "attributes": "rack", /* no */ }' });
  const file = path.join(folder, 'agent.json');
  chmodSync(file, 0o600);
  const check = (environment: Record<string, string>, ...flags: string[]) => {
    const { status, stdout, stderr } = berth(['agent', '--config', file, '--check', ...flags], environment);
    return `${status} ${stdout}${stderr}`;
  };
  t.match(check({}), /^125 berth: attributes? rack/);
  t.match(check({ BERTH_AGENT_ATTRIBUTES: 'rack:a' }), /^0 .* can be understood/);
  t.match(check({ BERTH_AGENT_ATTRIBUTES: 'rack:a' }, '--attributes', 'row'), /^125 berth: attributes? row/);
  t.match(berth(['master', '--check']).stderr, /^berth: master --check: there is no file to look at/);
});

t.test('credentials do not cross a network in plain, unless that is allowed', async (t) => {
  const roots = { root: '/nowhere', state: '/nowhere' };
  const refuse = (why: string) => new BerthError('USAGE', { what: 'F', why });
  const examined = (daemon: string, document: object): string => {
    const text = JSON.stringify(document);
    try {
      if (daemon === 'agent')
        checkAgentConfig({
          ...agentDefaults(roots),
          ...settingsOf(text, agentSettings, refuse, () => 0, ''),
        });
      else
        checkMasterConfig({
          ...{ ...masterDefaults, hostname: '', folder: '' },
          ...settingsOf(text, masterSettings, refuse, () => 0, ''),
        });
      return 'taken';
    } catch (error) {
      return error instanceof BerthError ? error.message : String(error);
    }
  };
  const credentials = [{ principal: 'a', secret: 'b' }];
  for (const daemon of ['agent', 'master']) {
    const listen = '10.0.0.1:1';
    t.match(examined(daemon, { listen }), /there are no credentials for them$/);
    t.match(examined(daemon, { listen, credentials }), /would cross the network in plain$/);
    t.equal(examined(daemon, { listen, credentials, plain_http: true }), 'taken');
    t.equal(examined(daemon, { listen: '[::1]:1', credentials }), 'taken');
    t.match(examined(daemon, { tls_cert: '/x' }), /a certificate and its key belong together$/);
    t.match(examined(daemon, { tls_ca: '/nowhere' }), /^\/nowhere: ENOENT/);
  }
  const [master_credential] = credentials;
  const agent = (document: object) => examined('agent', document);
  t.match(agent({ masters: ['http://10.0.0.1:1'], master_credential }), /credential for it would cross/);
  t.match(agent({ masters: ['http://a:b@10.0.0.1:1'] }), /^master http:\/\/10.0.0.1:1: the credential/);
  t.equal(agent({ masters: ['https://10.0.0.1:1'], master_credential }), 'taken');
  t.equal(agent({ masters: ['http://127.0.0.1:1'], master_credential }), 'taken');
  t.match(agent({ masters: ['gopher://127.0.0.1'] }), /is no way to a master$/);
  const asked = berth(['node', 'ls', '--master', 'http://a:b@192.0.2.1:1']);
  t.match(asked.stderr, /http:\/\/192.0.2.1:1: the credentials for it would cross the network in plain/);
});

t.test('the unit: what it was installed with is read back from it, whatever the paths', async (t) => {
  const name = fc.stringMatching(/^[a-zA-Z0-9 %$"'\\;_-]{1,12}$/);
  const place = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(place, place, place, place, (root, state, config, folder) => {
      const installation = { roots: { root, state }, config, node: '/usr/bin/node', folder };
      t.strictSame(readUnit(unitText(agentService, installation)), installation);
    }),
  );
  const text = (kind: typeof agentService) =>
    unitText(kind, { roots: { root: '/a b', state: '/s%' }, config: '/c$', node: '/n', folder: '/f' });
  const node = `/n ${nodeOptions.join(' ')}`;
  t.match(
    text(agentService),
    `\nExecStart=${node} /f/bin/berth.cjs agent --root "/a b" --state /s%% --config /c$$\n`,
  );
  const properties = new Set(text(agentService).split('\n'));
  for (const needed of [
    'KillMode=process',
    'Delegate=yes',
    'Type=notify',
    'Restart=on-failure',
    'OOMPolicy=continue',
    'TasksMax=infinity',
    'Environment=MALLOC_ARENA_MAX=2',
  ])
    t.ok(properties.has(needed), needed);
  t.equal(unitName(agentService), agentUnit, 'what the scope is ordered before');
  // A unit that is named stays loaded, and could not be made a second time.
  t.notMatch(text(agentService), /^\w+=.*berth\.scope/m);
  const inherited =
    /^(SystemCall|Capabilit|NoNewPriv|Protect|Private|Restrict(?!=)|Lock|OOMScore|MemoryDeny)/m;
  t.notMatch(text(agentService).replace(/^Restart.*$/gm, ''), inherited, 'tasks would inherit it');
  t.match(text(masterService), inherited);
  t.equal(readUnit('[Unit]\nDescription=another\n'), undefined);
});

t.test(
  'where systemd does not run the host it is said so, with what to do; --print needs none',
  async (t) => {
    const hidden = (...args: string[]) =>
      spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs none /run && exec "$@"', 'sh', ...args], {
        encoding: 'utf8',
      });
    const program = path.resolve(import.meta.dirname, '../../../bin/berth');
    for (const verb of ['install', 'uninstall']) {
      const { status, stderr } = hidden(program, 'agent', verb);
      t.match([status, stderr], [125, /^berth: agent \S+: systemd does not run this host\n\S.*\n$/]);
    }
    const printed = berth([
      'agent',
      'install',
      '--print',
      '--config',
      '/nowhere/a.json',
      '--attributes',
      'rack:a',
    ]);
    t.match(
      printed.stdout,
      /^# \/etc\/systemd\/system\/berth-agent.service\n[\s\S]*\n# \/nowhere\/a.json\n[\s\S]*\n {2}"attributes": "rack:a",\n/,
    );
    const wrong = berth([
      'agent',
      'install',
      '--print',
      '--config',
      '/nowhere/a.json',
      '--resources',
      'cpus:many',
    ]);
    t.match([wrong.status, wrong.stderr], [125, /resource cpus:many/]);
  },
);
