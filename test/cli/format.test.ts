import t from 'tap';
import { dockerEvent } from '../../src/cli/format/docker-event.js';
import { dockerHistory } from '../../src/cli/format/docker-history.js';
import { dockerStats } from '../../src/cli/format/docker-stats.js';
import { dockerNetwork } from '../../src/cli/format/docker-things.js';
import { formatted } from '../../src/cli/format/flag.js';
import { Template } from '../../src/cli/format/template.js';
import type { Usage } from '../../src/inspect/usage.js';

const web = {
  Name: 'web',
  State: { Running: true, Pid: 7, Health: null },
  Labels: { 'a.b': 'c', evil: 'x\u001b[31m' },
  Ports: { '80/tcp': [{ HostPort: '8080' }] },
  Env: ['A=1', 'B=2'],
  Label: (key: unknown) => `label ${String(key)}`,
};

t.test('templates as users of Docker write them', async (t) => {
  const cases: [string, string][] = [
    ['plain', 'plain'],
    ['{{.Name}}: {{ .State.Pid }}', 'web: 7'],
    ['a {{- .Name -}} b', 'awebb'],
    ['a {{- " " }}{{.Name}} {{- /* no */ -}} b', 'a webb'],
    ['{{json .State}}', '{"Running":true,"Pid":7,"Health":null}'],
    ['{{.State.Health}} {{.State.Health.Status}} {{.Labels.nobody}}', '<no value> <no value> <no value>'],
    ['{{.Env}} {{.State}}', '[A=1 B=2] map[Running:true Pid:7 Health:<no value>]'],
    ['{{if .State.Running}}up{{else}}down{{end}}{{if .State.Health}}!{{end}}', 'up'],
    ['{{if eq .Name "x"}}x{{else if and (eq .Name `web`) (not .State.Health)}}y{{else}}z{{end}}', 'y'],
    ['{{range .Env}}[{{.}}]{{end}}{{range $.Labels.nobody}}{{else}}none{{end}}', '[A=1][B=2]none'],
    ['{{range $p, $c := .Ports}}{{$p}}->{{(index $c 0).HostPort}}{{$.Name}}{{end}}', '80/tcp->8080web'],
    ['{{(index (index .Ports "80/tcp") 0).HostPort}}', '8080'],
    ['{{with .State}}{{.Pid}}{{end}}', '7'],
    ['{{range .Env}}{{println .}}{{end}}', 'A=1\nB=2\n'],
    ['{{join .Env ","}} {{len .Env}} {{.Name | upper | printf "%s-%v" "x"}}', 'A=1,B=2 2 x-WEB'],
    ['{{index .Labels "a.b"}} {{.Label "k"}} {{.Labels.evil}}', 'c label k x\\x1b[31m'],
    ['{{.Name}}\\t{{"}}"}}', 'web\t}}'],
  ];
  for (const [template, expected] of cases) t.equal(new Template(template).render(web), expected, template);
});

t.test('what is wrong is said, with what there is', async (t) => {
  const cases: [string, RegExp][] = [
    ['{{.Nmae}}', /^--format \.Nmae: there is no member Nmae; it has Name, State/],
    ['{{.Name.x}}', /there is no member x$/],
    ['{{frob .Name}}', /^--format frob: there is no such function; there are json/],
    ['{{.Name', /a \{\{ has no \}\}/],
    ['{{if .Name}}', /\{\{if\}\} has no \{\{end\}\}/],
    ['{{end}}', /\{\{end\}\} has no beginning/],
    ['{{(.Name}}', /a bracket is not closed/],
    ['{{.Name |}}', /a command is missing/],
    ['{{.Name ?}}', /"\?" cannot be understood/],
    ['{{$x}}', /there is no variable \$x/],
    ['{{.__proto__}}{{.Labels.constructor.name}}', /there is no member __proto__/],
    ['{{if .Name}}'.repeat(40), /nested too deeply/],
  ];
  for (const [template, message] of cases)
    t.throws(() => new Template(template).render(web), { code: 'USAGE', message }, template);
  t.equal(new Template('{{.Labels.constructor.name}}').render(web), '<no value>');
});

t.test('a line each, and tables', async (t) => {
  const things = [web, { ...web, Name: 'longer' }];
  t.equal(formatted(new Template('{{.Name}}'), things), 'web\nlonger\n');
  t.equal(
    formatted(new Template('table {{.Name}}\\t{{.State.Pid}}'), things),
    'NAME    PID\nweb     7\nlonger  7\n',
  );
  t.equal(formatted(new Template('{{.Name}}'), []), '');
});

t.test("Docker's names for what it has other names for", async (t) => {
  const event = {
    ...{ time: '2026-01-02T03:04:05.000000006Z', type: 'network' as const, action: 'connect', id: 'back' },
    ...{ name: 'back', image: null, attributes: { container: 'abc' } },
  };
  const told = new Template(
    '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.container}}{{.Actor.Attributes.none}} {{.TimeNano}}',
  );
  t.equal(told.render(dockerEvent(event)), 'network connect back abc<no value> 1767323045000000006');
  const network = {
    ...{ name: 'back', subnet: '10.9.0.0/24', subnet6: null, internal: false, labels: {}, created_at: '' },
    ...{ gateway: '10.9.0.1', gateway6: null },
  };
  const members = [{ id: 'abc', name: 'db', ipv4: '10.9.0.2', ipv6: null, mac: '02:00:00:00:00:02' }];
  const shown = new Template(
    '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}} {{(index .IPAM.Config 0).Gateway}}',
  );
  t.equal(shown.render(dockerNetwork({ ...network, containers: members })), 'db 10.9.0.2 10.9.0.1');
  t.equal(shown.render(dockerNetwork({ ...network, containers: 3 })), ' 10.9.0.1');
  const figures = {
    ...{ cpu_percent: null, memory_percent: 12.345, memory_working_set: 1024, memory_limit: 2048 },
    ...{ net_received_bytes: null, net_sent_bytes: 0, io_read_bytes: null, io_write_bytes: null },
  };
  const usage = { ...figures, id: '0123456789abcdef', name: 'x', threads: 3 } as unknown as Usage;
  const row = new Template('{{.ID}} {{.CPUPerc}} {{.MemPerc}} {{.MemUsage}} {{.NetIO}} {{.PIDs}}');
  t.equal(row.render(dockerStats(usage, true)), '0123456789ab -- 12.35% 1.0K / 2.0K -- / 0B 3');
  t.equal(row.render(dockerStats(usage, false)), '0123456789abcdef -- 12.35% 1.0K / 2.0K -- / 0B 3');
  const step = {
    ...{ diff_id: `sha256:${'ab'.repeat(32)}`, created: '2026-01-02T03:04:05Z', created_by: 'é'.repeat(70) },
    ...{ author: 'me', comment: 'c', size: 1500 },
  };
  const steps = new Template('{{.ID}} {{.CreatedAt}} {{.CreatedBy}} {{.Size}} {{.Comment}} {{.author}}');
  t.equal(
    steps.render(dockerHistory(step, true)),
    `abababababab 2026-01-02T03:04:05Z ${'é'.repeat(59)}… 1.5 kB c me`,
  );
  const whole = new Template('{{.ID}} {{.CreatedBy}}|{{.CreatedSince}}');
  t.match(whole.render(dockerHistory(step, false)), new RegExp(`^${step.diff_id} é{70}\\|\\d+\\w+ ago$`));
  const none = { ...step, diff_id: null, created: null, created_by: '' };
  t.equal(whole.render(dockerHistory(none, false)), '<missing> |');
});
