// Certificates that are exchanged while a daemon runs.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { readCertificates } from '../../src/http/certificates.js';
import { LiveCertificates } from '../../src/http/live-certificates.js';
import { project } from '../cli/berth.js';
import { until } from '../fixtures/until.js';
import { StagedMaster } from '../master-lite/staged-master.js';
import { Certificates } from '../registry/certificates.js';

/** Whose certificate is shown at a URL, and what the answer is to who shows one himself. */
function ask(url: string, options: https.RequestOptions): Promise<string> {
  return new Promise((resolve) => {
    const request = https.get(
      `${url}/berth/v1/self`,
      { ...options, rejectUnauthorized: false, agent: options.agent ?? false },
      (response) => {
        const name = (response.socket as TLSSocket).getPeerCertificate().subject.CN;
        response.resume().once('end', () => resolve(`${name} ${response.statusCode}`));
      },
    );
    request.once('error', (error) => resolve(error.message));
  });
}

t.test('exchanged', async (t) => {
  const folder = t.testdir({ one: {}, other: {}, used: {} });
  const one = new Certificates(path.join(folder, 'one'));
  const other = new Certificates(path.join(folder, 'other'));
  const used = (name: string) => path.join(folder, 'used', name);
  const files = { tlsCert: used('cert'), tlsKey: used('key'), tlsCa: used('ca') };
  const [first, second, guest] = [one.issue('first'), one.issue('second'), other.issue('guest')];
  const put = ({ certificate, key }: { certificate: string; key: string }, ca = one.authority) => {
    copyFileSync(certificate, files.tlsCert);
    copyFileSync(key, files.tlsKey);
    chmodSync(files.tlsKey, 0o600);
    copyFileSync(ca, files.tlsCa);
  };
  const mine = readCertificates({ tlsCert: guest.certificate, tlsKey: guest.key, tlsCa: '' });

  await t.test('at the door', async (t) => {
    put(first);
    const staged = await StagedMaster.open(t, files, false, () => undefined);
    const kept = new https.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => kept.destroy());
    t.equal(await ask(staged.url, mine), 'first 401');
    t.equal(await ask(staged.url, { ...mine, agent: kept }), 'first 401');
    put(second, other.authority);
    t.equal(await ask(staged.url, mine), 'first 401', 'nobody has said so');
    staged.master.renew();
    t.equal(await ask(staged.url, mine), 'second 200', 'a new certificate, and another authority');
    t.equal(await ask(staged.url, { ...mine, agent: kept }), 'first 401', 'connections stay as they are');
  });

  await t.test('what is of no use changes nothing, and is said', async (t) => {
    put(first);
    const notes: string[] = [];
    const live = new LiveCertificates(files, (text) => notes.push(text));
    const told: (string | undefined)[] = [];
    live.follow(({ cert }) => told.push(cert));
    const before = live.current;
    for (const spoil of [
      () => copyFileSync(second.key, files.tlsKey),
      () => writeFileSync(files.tlsCert, 'nothing'),
      () => chmodSync(files.tlsKey, 0o644),
      () => writeFileSync(files.tlsCa, ''),
    ]) {
      spoil();
      live.renew();
      t.match(notes.pop(), /^its certificates stay those that it has: /);
      t.equal(live.current, before);
      put(first);
    }
    live.renew();
    t.strictSame([notes, told], [[], []], 'the same ones are no news');
    put(one.issue('old', [], { days: -1 }));
    live.renew();
    t.match(notes, ['new certificates', /was valid until/]);
    t.equal(told.length, 1);
  });

  await t.test('they are found by themselves, once they stay as they are', async (t) => {
    put(first);
    const notes: string[] = [];
    const live = new LiveCertificates(files, (text) => notes.push(text));
    live.glance();
    copyFileSync(second.certificate, files.tlsCert);
    live.glance();
    put(second);
    live.glance();
    t.strictSame(notes, [], 'a certificate without its key yet');
    live.glance();
    live.glance();
    t.strictSame(notes, ['new certificates']);
  });

  await t.test('what cannot even be looked at changes nothing, and ends no daemon', async (t) => {
    put(first);
    const notes: string[] = [];
    const live = new LiveCertificates(files, (text) => notes.push(text));
    const before = live.current;
    renameSync(path.join(folder, 'used'), path.join(folder, 'aside'));
    writeFileSync(path.join(folder, 'used'), 'no folder');
    live.renew();
    t.match(notes, [/^its certificates stay those that it has: /]);
    live.glance();
    live.glance();
    t.equal(live.current, before);
    rmSync(path.join(folder, 'used'));
    renameSync(path.join(folder, 'aside'), path.join(folder, 'used'));
    put(second);
    live.glance();
    live.glance();
    t.equal(notes.at(-1), 'new certificates', 'and is looked for again');
  });

  await t.test('a key that others could read is taken once they cannot', async (t) => {
    put(first);
    const notes: string[] = [];
    const live = new LiveCertificates(files, (text) => notes.push(text));
    put(second);
    chmodSync(files.tlsKey, 0o644);
    live.glance();
    live.glance();
    t.match(notes, [/others can read it/]);
    chmodSync(files.tlsKey, 0o600);
    live.glance();
    live.glance();
    t.equal(notes.at(-1), 'new certificates');
  });

  await t.test('a signal', async (t) => {
    put(first);
    const roots = ['--root', path.join(folder, 'root'), '--state', path.join(folder, 'state')];
    const flags = ['--tls-cert', files.tlsCert, '--tls-key', files.tlsKey, '--listen', '127.0.0.1:0'];
    const master: ChildProcess = spawn(path.join(project, 'bin/berth'), ['master', ...flags, ...roots], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const gone = new Promise((resolve) => master.once('exit', resolve));
    let said = '';
    master.stderr?.on('data', (piece: Buffer) => {
      said += piece;
    });
    t.after(async () => {
      master.kill('SIGKILL');
      await gone;
    });
    await until(() => /https:\/\/\S+\d/.test(said));
    const url = /https:\/\/[^\s,]+/.exec(said)?.[0] ?? '';
    t.match(await ask(url, {}), /^first /);
    put(second);
    master.kill('SIGHUP');
    await until(() => said.includes('master: new certificates'));
    t.match(await ask(url, {}), /^second /);
    master.kill('SIGTERM');
    t.equal(await gone, 0);
  });
});
