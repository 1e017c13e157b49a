import fc from 'fast-check';
import t from 'tap';
import { type Allocation, Allocator } from '../../src/master-lite/allocator/allocator.js';
import type { FrameworkInfo, Resource } from '../../src/mesos/messages.js';
import { Resources } from '../../src/mesos/resources/resources.js';

const info = (more: Partial<FrameworkInfo> = {}): FrameworkInfo => ({ user: 'u', name: 'n', ...more });

function resources(cpus: number, mem: number, role?: string): Resources {
  const reservations = role === undefined ? {} : { reservations: [{ type: 'STATIC' as const, role }] };
  const scalar = (name: string, value: number): Resource => ({
    name,
    type: 'SCALAR',
    scalar: { value },
    ...reservations,
  });
  return Resources.of([scalar('cpus', cpus), scalar('mem', mem)]);
}

/** An allocator with a clock that stands still until it is moved, and calls that wait until they are run. */
class Staged {
  now = 0;
  readonly offers: Allocation[] = [];
  private readonly calls: { at: number; call: () => void }[] = [];
  readonly allocator = new Allocator({
    now: () => this.now,
    schedule: (call, milliseconds) => this.calls.push({ at: this.now + milliseconds, call }),
    offer: (allocations) => this.offers.push(...allocations),
  });

  settle(): void {
    for (;;) {
      const next = this.calls.findIndex(({ at }) => at <= this.now);
      if (next < 0) return;
      this.calls.splice(next, 1)[0]?.call();
    }
  }

  pass(seconds: number): void {
    this.now += seconds * 1000;
    this.settle();
  }

  framework(id: string, roles = ['*'], more: Partial<FrameworkInfo> = {}): void {
    this.allocator.setFramework(id, info(more), roles, new Set());
    this.allocator.setFrameworkActive(id, true);
  }

  decline(offer: Allocation, seconds = 0): void {
    this.offers.splice(this.offers.indexOf(offer), 1);
    this.allocator.release(offer.framework, offer.role, offer.agent, offer.resources, seconds);
  }
}

t.test('resources are shared by dominant share, over roles and their frameworks, by weight', async (t) => {
  const staged = new Staged();
  staged.allocator.setWeight('b', 3);
  staged.framework('one', ['a']);
  staged.framework('two', ['b/x']);
  staged.framework('three', ['b/y']);
  for (let i = 0; i < 80; i++) staged.allocator.addAgent(`agent${i}`, resources(1, 100));
  staged.settle();
  const had = (id: string) => staged.offers.filter(({ framework }) => framework === id).length;
  t.strictSame([had('one'), had('two'), had('three')], [20, 30, 30]);
});

t.test(
  'refusals hold for their time, are forgotten on revive, and suppressed roles get nothing',
  async (t) => {
    const staged = new Staged();
    staged.allocator.addAgent('agent', resources(4, 400));
    staged.framework('one');
    staged.settle();
    const [first] = staged.offers;
    if (first === undefined) throw new Error('no offer');
    staged.decline(first, 10);
    staged.pass(9);
    t.equal(staged.offers.length, 0, 'not yet');
    staged.framework('two');
    staged.settle();
    t.match(staged.offers, [{ framework: 'two' }], 'but another has it');
    const [second] = staged.offers;
    if (second === undefined) throw new Error('no offer');
    staged.allocator.suppress('two');
    staged.decline(second);
    staged.settle();
    t.equal(staged.offers.length, 0, 'neither wants it');
    staged.pass(2.1);
    t.match(staged.offers, [{ framework: 'one' }], 'the time is over');
    const [third] = staged.offers;
    if (third === undefined) throw new Error('no offer');
    staged.decline(third, 3600);
    staged.settle();
    staged.allocator.revive('one');
    staged.settle();
    t.match(staged.offers, [{ framework: 'one' }], 'revived');
  },
);

t.test(
  'limits hold, guarantees come first, reservations and special resources go to those they are for',
  async (t) => {
    const staged = new Staged();
    const one = (name: string, value: number) => new Map([[name, value * 1000]]);
    staged.allocator.setQuota('capped', { guarantees: new Map(), limits: one('cpus', 2.5) });
    staged.allocator.addAgent('a', resources(4, 400).add(resources(2, 200, 'kept')));
    staged.framework('x', ['capped/sub']);
    staged.settle();
    t.equal(staged.offers[0]?.resources.scalar('cpus'), 2500, 'no more than the limit');
    t.equal(staged.offers.length, 1);
    staged.framework('y', ['kept/team']);
    staged.settle();
    t.equal(staged.offers[1]?.resources.scalar('cpus'), 3500, 'what is left, and what is reserved above it');
    const gpus = Resources.of([{ name: 'gpus', type: 'SCALAR', scalar: { value: 1 } }]);
    staged.allocator.addAgent('g', resources(4, 400).add(gpus));
    staged.settle();
    t.equal(staged.offers.length, 2, 'an agent with GPUs waits');
    staged.framework('z', ['*'], { capabilities: [{ type: 'GPU_RESOURCES' }] });
    staged.settle();
    t.match(staged.offers[2], { framework: 'z', agent: 'g' });
    staged.allocator.setQuota('poor', { guarantees: one('cpus', 1), limits: new Map() });
    staged.framework('w', ['poor']);
    staged.framework('v', ['rich']);
    staged.allocator.addAgent('h', resources(1, 100));
    staged.settle();
    t.match(staged.offers.at(-1), { framework: 'w', agent: 'h' });
  },
);

type Step =
  | { do: 'add' | 'remove' | 'toggle'; agent: number }
  | { do: 'join' | 'leave' | 'suppress' | 'revive'; framework: number }
  | { do: 'accept' | 'decline' | 'finish'; pick: number; seconds: number }
  | { do: 'wait'; seconds: number };

const small = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom('add' as const, 'add' as const, 'remove' as const, 'toggle' as const),
    agent: small,
  }),
  fc.record({
    do: fc.constantFrom(
      'join' as const,
      'join' as const,
      'leave' as const,
      'suppress' as const,
      'revive' as const,
    ),
    framework: small,
  }),
  fc.record({
    do: fc.constantFrom('accept' as const, 'accept' as const, 'decline' as const, 'finish' as const),
    pick: fc.nat({ max: 50 }),
    seconds: fc.constantFrom(0, 1, 5, 60),
  }),
  fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, 5, 61) }),
);

const roles = ['*', 'a', 'a/b', 'a/c', 'd', 'd/e/f'];

/** The histories below, and what must hold after each step of any of them. */
class History {
  readonly staged = new Staged();
  readonly totals = new Map<string, Resources>();
  readonly active = new Map<string, boolean>();
  readonly members = new Map<string, boolean>();
  /** What was launched, and not ended. */
  readonly used: Allocation[] = [];

  do(step: Step): void {
    const { allocator, offers } = this.staged;
    if (step.do === 'wait') this.staged.pass(step.seconds);
    else if ('agent' in step) this.agentStep(step.do, `s${step.agent}`, step.agent);
    else if ('framework' in step) this.frameworkStep(step.do, `f${step.framework}`, step.framework);
    else if (step.do === 'finish') {
      const done = this.used.splice(step.pick % Math.max(1, this.used.length), 1)[0];
      if (done !== undefined) allocator.release(done.framework, done.role, done.agent, done.resources);
    } else {
      const offer = offers[step.pick % Math.max(1, offers.length)];
      if (offer === undefined) return;
      if (step.do === 'decline') this.staged.decline(offer, step.seconds);
      else this.accept(offer, step.seconds);
    }
    this.staged.settle();
  }

  private accept(offer: Allocation, seconds: number): void {
    const wanted = resources(1, 64);
    if (!offer.resources.contains(wanted)) {
      this.staged.decline(offer, seconds);
      return;
    }
    this.staged.offers.splice(this.staged.offers.indexOf(offer), 1);
    this.used.push({ ...offer, resources: wanted });
    const left = offer.resources.clone().subtract(wanted);
    this.staged.allocator.release(offer.framework, offer.role, offer.agent, left, seconds);
  }

  private agentStep(kind: 'add' | 'remove' | 'toggle', id: string, n: number): void {
    const { allocator, offers } = this.staged;
    if (kind === 'add' && !this.totals.has(id)) {
      const total = resources(n + 1, 512);
      if (n % 2 === 1) total.add(resources(1, 64, 'a'));
      this.totals.set(id, total);
      this.active.set(id, true);
      allocator.addAgent(id, total);
    } else if (kind === 'toggle' && this.totals.has(id)) {
      this.active.set(id, this.active.get(id) !== true);
      allocator.setAgentActive(id, this.active.get(id) === true);
    } else if (kind === 'remove' && this.totals.has(id)) {
      for (const list of [offers, this.used])
        for (const each of list.filter(({ agent }) => agent === id)) {
          list.splice(list.indexOf(each), 1);
          allocator.release(each.framework, each.role, id, each.resources);
        }
      allocator.removeAgent(id);
      this.totals.delete(id);
    }
  }

  private frameworkStep(kind: 'join' | 'leave' | 'suppress' | 'revive', id: string, n: number): void {
    const { allocator, offers } = this.staged;
    if (kind === 'join' && !this.members.has(id)) {
      this.staged.framework(id, [roles[n] ?? '*', ...(n === 0 ? ['d'] : [])]);
      this.members.set(id, true);
    } else if (!this.members.has(id)) return;
    else if (kind === 'suppress') {
      allocator.suppress(id);
      this.members.set(id, false);
    } else if (kind === 'revive') {
      allocator.revive(id);
      this.members.set(id, true);
    } else if (kind === 'leave') {
      allocator.setFrameworkActive(id, false);
      for (const offer of offers.filter(({ framework }) => framework === id)) this.staged.decline(offer);
      for (const each of this.used.filter(({ framework }) => framework === id)) {
        this.used.splice(this.used.indexOf(each), 1);
        allocator.release(id, each.role, each.agent, each.resources);
      }
      allocator.removeFramework(id);
      this.members.delete(id);
    }
  }

  /** What is wrong; undefined: nothing. */
  broken(): string | undefined {
    for (const [id, total] of this.totals) {
      const held = [...this.staged.offers, ...this.used].filter(({ agent }) => agent === id);
      const sum = Resources.sum(held.map((each) => each.resources));
      if (!total.contains(sum)) return `${id} is over-allocated: ${sum} of ${total}`;
      if (!this.staged.allocator.allocatedOf(id).equals(sum)) return `${id} counts another sum than ${sum}`;
      if (!sum.add(this.staged.allocator.freeOf(id)).equals(total)) return `${id} has lost resources`;
    }
    for (const { framework, role, resources: held } of this.staged.offers) {
      if (!this.members.has(framework)) return `${framework} has gone, and has an offer`;
      if (!held.fitting(role).equals(held)) return `${framework} has what is reserved to others`;
    }
    return undefined;
  }

  /** Long after the last refusal: whoever may have what is free has been offered it. */
  starving(): string | undefined {
    this.staged.pass(120);
    const wanting = [...this.members].some(([, wanted]) => wanted);
    for (const id of this.totals.keys()) {
      const free = this.staged.allocator.freeOf(id).unreserved;
      if (wanting && this.active.get(id) === true && free.scalar('cpus') >= 10)
        return `${id} has ${free}, and nobody is offered it`;
    }
    return undefined;
  }
}

t.test('over random histories nothing is lost, nothing given twice, and nobody starves', async (t) => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 80 }), (steps) => {
      const history = new History();
      for (const each of steps) {
        history.do(each);
        const why = history.broken();
        if (why !== undefined) throw new Error(`after ${each.do}: ${why}`);
      }
      const why = history.starving();
      if (why !== undefined) throw new Error(why);
    }),
    { numRuns: 300 },
  );
  t.pass('300 histories');
});

t.test('whoever takes all it is offered gets its fair part of a cluster that turns over', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 1, max: 4 }), (count, weight) => {
      const staged = new Staged();
      staged.allocator.setWeight('heavy', weight);
      const names = Array.from({ length: count }, (_, i) => `f${i}`);
      for (const [i, name] of names.entries()) staged.framework(name, [i === 0 ? 'heavy' : `role${i}`]);
      const agents = 10 * (count - 1 + weight);
      for (let i = 0; i < agents; i++) staged.allocator.addAgent(`s${i}`, resources(2, 256));
      staged.settle();
      // Everything ends in the order it began, and is given anew.
      for (let turn = 0; turn < agents * 3; turn++) {
        const [oldest] = staged.offers;
        if (oldest !== undefined) staged.decline(oldest);
        staged.settle();
      }
      const held = (name: string) => staged.offers.filter(({ framework }) => framework === name).length;
      for (const [i, name] of names.entries()) {
        const fair = i === 0 ? 10 * weight : 10;
        if (Math.abs(held(name) - fair) > 1) throw new Error(`${name} has ${held(name)}, fair is ${fair}`);
      }
    }),
    { numRuns: 20 },
  );
  t.pass('20 clusters');
});
