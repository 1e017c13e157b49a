import http from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { MasterLink } from '../../src/agent/master/link.js';
import { frame } from '../../src/http/record-io.js';
import { jsonCodec } from '../../src/mesos/codec.js';
import type { Order } from '../../src/mesos/messages.js';
import { until } from '../fixtures/until.js';

type Answer = (response: http.ServerResponse, request: http.IncomingMessage) => void;

/** Somebody where a master should be. */
async function stranger(t: { after(call: () => void): void }, answer: Answer) {
  const heard: (string | undefined)[] = [];
  const server = http.createServer((request, response) => {
    heard.push(request.headers.authorization);
    answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

const redirects =
  (to: () => string): Answer =>
  (response) =>
    response.writeHead(307, { Location: to() }).end();

function linkTo(
  t: { after(call: () => Promise<void>): void },
  masters: string[],
  more: Partial<ConstructorParameters<typeof MasterLink>[0]['config']> = {},
  obey: (order: Order) => void = () => {},
) {
  const notes: string[] = [];
  const link = new MasterLink({
    config: {
      ...{ masters, reconnect: 0.01, reconnectMost: 0.02, recordLimit: 1 << 20 },
      masterCredential: { token: 'of the masters' },
      ...more,
    },
    subscription: () => [
      {
        type: 'SUBSCRIBE',
        subscribe: { version: '0', agent_info: { hostname: 'x', resources: [], attributes: [] } },
      },
    ],
    order: obey,
    unreadable: () => {},
    note: (text) => notes.push(text),
  });
  t.after(() => link.close());
  link.connect();
  return { link, notes };
}

const order = (each: Order) => frame(jsonCodec.encode('berth.v1.Order', each));
const taken = (response: http.ServerResponse, seconds: number) =>
  response.writeHead(200, { 'Content-Type': 'application/recordio' }).write(
    order({
      type: 'SUBSCRIBED',
      subscribed: {
        agent_id: { value: 'a' },
        heartbeat_interval_seconds: seconds,
        timeout_seconds: seconds,
      },
    }),
  );

t.test('redirects that lead nowhere are a failed attempt, and the next one follows', async (t) => {
  for (const [location, why] of [
    ['http://[', /Invalid URL/],
    ['ftp://127.0.0.1/', /ftp: is no way/],
  ] as const) {
    const { url, heard } = await stranger(
      t,
      redirects(() => location),
    );
    const { notes } = linkTo(t, [url]);
    await until(() => heard.length > 2, `it goes on after ${location}`);
    t.match(notes.join(), why);
  }
});

t.test('a credential is for the masters of the configuration', async (t) => {
  const other = await stranger(t, (response) => response.writeHead(503).end());
  const first = await stranger(
    t,
    redirects(() => `${other.url.replace('//', '//name:of-the-redirect@')}/`),
  );
  linkTo(t, [first.url]);
  await until(() => other.heard.length > 0);
  t.equal(first.heard[0], 'Bearer of the masters');
  t.strictSame(other.heard[0], undefined, 'nobody else gets it');
  const before = other.heard.length;
  const named = other.url.replace('//', '//agent:secret@');
  linkTo(t, [first.url, named]);
  await until(() => other.heard.length > before + 4);
  t.ok(
    other.heard.includes(`Basic ${Buffer.from('agent:secret').toString('base64')}`),
    'a redirect to one of them brings what is for that one',
  );
});

t.test('a master that wants no pause between heartbeats gets one', async (t) => {
  let beats = 0;
  const { url } = await stranger(t, (response, request) => {
    taken(response, 0);
    request.on('data', (piece: Buffer) => {
      beats += piece.toString().split('HEARTBEAT').length - 1;
    });
  });
  const began = performance.now();
  const { notes } = linkTo(t, [url]);
  await until(() => beats >= 4);
  const intervals = (performance.now() - began) / 100;
  // The first comes at once, and timers may be early by a little.
  t.ok(beats <= intervals + 2, `${beats} heartbeats in ${intervals.toFixed(1)} tenths of a second`);
  t.notMatch(notes.join(), /nothing was heard for 0 s/);
});

t.test('a master that takes agents and drops them is asked ever less often', async (t) => {
  const { url, heard } = await stranger(t, (response) => {
    taken(response, 10);
    setImmediate(() => response.destroy());
  });
  const began = performance.now();
  linkTo(t, [url], { reconnect: 0.1, reconnectMost: 10 });
  await until(() => heard.length >= 5);
  // 0.1, 0.2, 0.4 and 0.8 seconds, of each half at least; timers may be early by a little.
  t.ok(performance.now() - began >= 740);
});

t.test('an order that is longer than any may be is not waited for', async (t) => {
  const { url, heard } = await stranger(t, (response) => {
    taken(response, 10);
    response.write(`${(1 << 20) + 1}\n`);
  });
  const { notes } = linkTo(t, [url]);
  await until(() => heard.length > 1, 'it comes again');
  t.match(notes.join(), /1048577 bytes, and 1048576 are the most/);
});

t.test('an executor that ends while the agent subscribes is told of after that', async (t) => {
  let said = '';
  let asked = 0;
  const { url } = await stranger(t, (response, request) => {
    asked++;
    request.on('data', (piece: Buffer) => {
      said += piece.toString();
    });
    // What the subscription says is on its way, and no more can be added to it.
    void until(() => ended).then(() => taken(response, 10));
  });
  let ended = false;
  const { link } = linkTo(t, [url]);
  await until(() => said.includes('SUBSCRIBE'));
  const [framework_id, executor_id] = [{ value: 'f' }, { value: 'gone' }];
  link.report({ type: 'EXECUTOR_EXITED', executor_exited: { framework_id, executor_id, status: 9 } });
  ended = true;
  await until(() => said.includes('"gone"'), 'it is told');
  t.equal(asked, 1);
  t.equal(said.split('EXECUTOR_EXITED').length, 2, 'once');
});

t.test('orders that come all at once', async (t) => {
  const kill = (id: number): Order => ({
    type: 'KILL',
    kill: { framework_id: { value: 'f' }, task_id: { value: String(id) } },
  });
  const many = Array.from({ length: 300 }, (_, id) => order(kill(id)));
  const busy = (milliseconds: number) => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
  };
  const killing = (call: (task: string) => void) => (order: Order) => {
    if (order.type === 'KILL') call(order.kill?.task_id.value ?? '');
  };

  await t.test('others have their turn in between', async (t) => {
    const { url } = await stranger(t, (response) => {
      taken(response, 10);
      response.write(Buffer.concat(many));
    });
    const ids: string[] = [];
    let turns = 0;
    linkTo(
      t,
      [url],
      {},
      killing((id) => {
        ids.push(id);
        busy(1);
        if (ids.length === 1)
          setImmediate(function turn() {
            turns++;
            if (ids.length < many.length) setImmediate(turn);
          });
      }),
    );
    await until(() => ids.length === many.length);
    t.strictSame(
      ids,
      many.map((_, id) => String(id)),
      'in order',
    );
    t.ok(turns > 20, `${turns} turns while orders took 300 ms`);
  });

  await t.test('what a master said before it fell silent, or said what cannot be read, counts', async (t) => {
    for (const [end, expected] of [
      [(response: http.ServerResponse) => void setTimeout(() => response.destroy(), 20), many.length],
      [(response: http.ServerResponse) => response.write('x\n'), many.length],
    ] as const) {
      const { url, heard } = await stranger(t, (response) => {
        if (heard.length > 1) return;
        taken(response, 10);
        response.write(Buffer.concat(many));
        end(response);
      });
      let count = 0;
      linkTo(
        t,
        [url],
        {},
        killing(() => {
          count++;
          busy(1);
        }),
      );
      await until(() => heard.length > 1, 'it comes again');
      t.equal(count, expected);
    }
  });
});
