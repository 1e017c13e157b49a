// What whoever asks may take of a daemon, and what is allowed to whom: bodies, sockets, permissions.
import { once } from 'node:events';
import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { Authorization } from '../../src/http/authorization.js';
import { ApiServer, type ServerOptions } from '../../src/http/server.js';
import { mostFiles } from '../../src/http/strangers.js';

const server = (more: Partial<ServerOptions> = {}) => {
  const made = new ApiServer({
    authentication: { identify: () => ({ principal: undefined }) },
    ...{ bodyLimit: 1000, bodyTimeout: 60_000, backlog: 3 },
    onDefect: (error: unknown) => t.fail(String(error)),
    ...more,
  });
  made.calls(['/x'], (exchange) => exchange.done());
  made.calls(['/json'], (exchange) => {
    t.ok(exchange.json);
    exchange.done();
  });
  return made;
};

t.test('bodies that are too long, too slow or no objects', async (t) => {
  const open = server();
  const port = await open.listen('127.0.0.1', 0);
  t.teardown(() => open.close());
  const ask = async (body: string, url = '/x') => {
    const headers = { 'Content-Type': 'application/json' };
    const request = http.request({ port, path: url, method: 'POST', agent: false, headers }).end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  t.equal(await ask('x'.repeat(1000)), 200);
  t.equal(await ask('x'.repeat(1001)), 413);
  t.equal(await ask('{}', '/json'), 200);
  for (const body of ['', '{', 'null', '5', '"{}"']) t.equal(await ask(body, '/json'), 400, body);
  const impatient = server({ bodyTimeout: 50 });
  const slow = connect(await impatient.listen('127.0.0.1', 0), '127.0.0.1').on('error', () => {});
  t.teardown(() => impatient.close());
  slow.write('POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 9\r\n\r\nhalf');
  await new Promise((resolve) => slow.once('close', resolve));
  t.pass('who does not go on is not waited for');
});

t.test('strangers leave most descriptors to others, however many may wait', async (t) => {
  t.equal(server({ backlog: Number.MAX_SAFE_INTEGER }).strangers.most, Math.floor(mostFiles() / 4));
  t.equal(server({ backlog: 7 }).strangers.most, 14);
});

t.test("a local socket is its owner's, in a folder of its own, under a name that fits", async (t) => {
  const before = process.umask(0);
  t.teardown(() => process.umask(before));
  // The name of a socket is short.
  const above = mkdtempSync(path.join(tmpdir(), 'berth-door-'));
  t.teardown(() => rmSync(above, { recursive: true, force: true }));
  const folder = path.join(above, 's');
  const place = path.join(folder, 'a.sock');
  const own = server();
  t.teardown(() => own.close());
  t.equal(await own.listenLocally(place), true);
  t.equal(lstatSync(place).mode & 0o777, 0o600);
  t.equal(lstatSync(folder).mode & 0o777, 0o700);
  t.equal(await server().openApart(path.join(folder, 'x'.repeat(200)), 0o600), false);
});

t.test('permissions are those that were written, and no others', async (t) => {
  const permissions = JSON.parse('{"ada": {"view": true, "operate": []}, "*": {"view": false, "all": true}}');
  const of = new Authorization(permissions);
  const may = (principal: string, action: string) => of.may({ principal }, action);
  t.equal(may('ada', 'view'), true);
  t.equal(may('ada', 'all'), false, 'who has an entry has no other');
  t.equal(may('bob', 'all'), true);
  t.equal(may('ada', 'operate'), false, 'a list of nothing allows nothing');
  for (const name of ['constructor', 'toString', '__proto__'])
    t.equal(may(name, 'all'), true, `${name} is as anybody else`);
  const everybody = new Authorization({ '*': {} });
  for (const action of ['constructor', 'hasOwnProperty'])
    t.equal(everybody.may({ principal: 'ada' }, action), false, `${action} is no action`);
  for (const each of [of, new Authorization(undefined)]) {
    t.equal(each.may({ principal: undefined }, 'view'), true, 'root');
    t.equal(each.may({ principal: undefined, executor: 'x' }, 'view'), false, 'an executor is not root');
  }
});
