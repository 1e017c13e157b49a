import t from 'tap';
import { fits, invalidExpression } from '../../src/master-lite/offer-constraints.js';
import type {
  AgentInfo,
  SchedulerAttributeConstraint,
  SchedulerAttributeConstraintPredicate,
} from '../../src/mesos/messages.js';
import { SchedulerClient } from './scheduler-client.js';
import { StagedMaster, until } from './staged-master.js';

const agent: AgentInfo = {
  hostname: 'h1',
  attributes: [
    { name: 'rack', type: 'TEXT', text: { value: 'a' } },
    { name: 'rack', type: 'TEXT', text: { value: 'b' } },
    { name: 'slots', type: 'SCALAR', scalar: { value: 3 } },
  ],
  domain: { fault_domain: { region: { name: 'eu' }, zone: { name: 'eu-1' } } },
};

const on = (
  attribute_name: string,
  predicate: SchedulerAttributeConstraintPredicate,
): SchedulerAttributeConstraint => ({ selector: { attribute_name }, predicate });

const pseudo = (
  pseudoattribute_type: 'HOSTNAME' | 'REGION' | 'ZONE',
  value: string,
): SchedulerAttributeConstraint => ({
  selector: { pseudoattribute_type },
  predicate: { text_equals: { value } },
});

t.test('what each constraint says of an agent', async (t) => {
  const cases: [what: string, wanted: boolean, constraint: SchedulerAttributeConstraint][] = [
    ['there', true, on('rack', { exists: {} })],
    ['not there', false, on('disk', { exists: {} })],
    ['missing', true, on('disk', { not_exists: {} })],
    ['not missing', false, on('slots', { not_exists: {} })],
    ['one of several is equal', true, on('rack', { text_equals: { value: 'b' } })],
    ['none is equal', false, on('rack', { text_equals: { value: 'c' } })],
    ['none is refused', true, on('rack', { text_not_equals: { value: 'c' } })],
    ['one is refused', false, on('rack', { text_not_equals: { value: 'a' } })],
    ['what is not there is refused nowhere', true, on('disk', { text_not_equals: { value: 'a' } })],
    ['no text is equal to none', false, on('slots', { text_equals: { value: '3' } })],
    ['the whole of it matches', true, on('rack', { text_matches: { regex: '[ax]' } })],
    ['a part does not', false, pseudoMatch('HOSTNAME', 'h')],
    ['nothing matches', true, on('rack', { text_not_matches: { regex: '[xy]' } })],
    ['something matches', false, on('rack', { text_not_matches: { regex: 'a|x' } })],
    ['its host', true, pseudo('HOSTNAME', 'h1')],
    ['its region', true, pseudo('REGION', 'eu')],
    ['another zone', false, pseudo('ZONE', 'eu-2')],
  ];
  for (const [what, wanted, constraint] of cases)
    t.equal(fits({ groups: [{ attribute_constraints: [constraint] }] }, agent), wanted, what);
  const [good, bad] = [pseudo('HOSTNAME', 'h1'), pseudo('HOSTNAME', 'h2')];
  t.equal(fits({ groups: [{ attribute_constraints: [good, bad] }] }, agent), false, 'all of a group');
  const groups = [{ attribute_constraints: [bad] }, { attribute_constraints: [good] }];
  t.equal(fits({ groups }, agent), true, 'one of the groups');
  t.equal(fits({ groups: [] }, agent), true, 'none at all');
  t.equal(fits(undefined, agent), true);
});

function pseudoMatch(type: 'HOSTNAME', regex: string): SchedulerAttributeConstraint {
  return { selector: { pseudoattribute_type: type }, predicate: { text_matches: { regex } } };
}

t.test('expressions that are none are refused', async (t) => {
  t.equal(invalidExpression('a.*'), undefined);
  t.match(invalidExpression('('), /no regular expression/);
  t.match(invalidExpression('a'.repeat(300)), /too long/);
  for (const text of ['(?=a)b', String.raw`(a)\1`, 'a)|(?:b'])
    t.match(invalidExpression(text), /no regular expression/, text);
  // Half a million years where an expression is tried by going back.
  const text = `${'a'.repeat(60)}b`;
  t.notOk(
    fits({ groups: [{ attribute_constraints: [pseudoMatch('HOSTNAME', '(a|aa)+')] }] }, { hostname: text }),
    'no expression keeps others waiting',
  );
});

t.test('a framework is offered what fits alone, and what fits from then on', async (t) => {
  const staged = await StagedMaster.open(t);
  staged.agent({ hostname: 'left' });
  staged.agent({ hostname: 'right' });
  await until('the agents are there', () => staged.agents.every((each) => each.connected));
  const client = new SchedulerClient(staged.url);
  t.after(() => client.close());
  const only = (host: string) => ({
    offer_constraints: {
      role_constraints: {
        '*': { groups: [{ attribute_constraints: [pseudo('HOSTNAME', host)] }] },
      },
    },
  });
  const hosts = () => [...client.offers.values()].map(({ hostname }) => hostname);
  await client.subscribe({}, only('right'));
  await until('an offer', () => client.offers.size > 0);
  t.strictSame(hosts(), ['right']);
  const framework_info = { user: 'root', name: 'trial', id: { value: client.id } };
  const status = await client.call({
    type: 'UPDATE_FRAMEWORK',
    update_framework: { framework_info, ...only('left') },
  });
  t.equal(status, 200);
  await until('the other agent is offered', () => hosts().includes('left'));
  const broken = new SchedulerClient(staged.url);
  t.after(() => broken.close());
  const constraint = pseudoMatch('HOSTNAME', '(');
  await broken.subscribe(
    {},
    {
      offer_constraints: { role_constraints: { '*': { groups: [{ attribute_constraints: [constraint] }] } } },
    },
  );
  t.ok(broken.saw('ERROR'), 'with an expression that is none it is not let in');
});
