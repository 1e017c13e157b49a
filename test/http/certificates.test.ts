// Master and agent over TLS: who is believed, who is not, and who is let in by a certificate.
import { chmodSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import t from 'tap';
import { MasterLink } from '../../src/agent/master/link.js';
import { BerthError } from '../../src/errors/berth-error.js';
import { readCertificates } from '../../src/http/certificates.js';
import { berth } from '../agent/berth-process.js';
import { StagedMaster, until } from '../master-lite/staged-master.js';
import { Certificates } from '../registry/certificates.js';

/** Who is asked with what; the status, or why it never came to one. */
function ask(
  url: string,
  options: https.RequestOptions,
  headers: Record<string, string> = {},
): Promise<string> {
  return new Promise((resolve) => {
    const request = https.get(`${url}/berth/v1/self`, { ...options, headers, agent: false }, (response) => {
      response.resume();
      resolve(String(response.statusCode));
    });
    request.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

t.test('certificates', async (t) => {
  const folder = t.testdir({ one: {}, other: {} });
  const one = new Certificates(path.join(folder, 'one'));
  const other = new Certificates(path.join(folder, 'other'));
  const files = ({ certificate, key }: { certificate: string; key: string }) => ({
    tlsCert: certificate,
    tlsKey: key,
    tlsCa: one.authority,
  });
  const credentials = { passwords: [{ principal: 'people', secret: 'let-me-in' }], tokens: [] };
  const master = (shown: { certificate: string; key: string }) =>
    // Nobody is trusted for being on this host.
    StagedMaster.open(t, { ...files(shown), credentials }, false, () => undefined);
  const good = await master(one.issue('master'));
  const expired = await master(one.issue('expired', [], { days: -1 }));
  const elsewhere = await master(one.issue('elsewhere', [], { names: ['DNS:elsewhere', 'IP:192.0.2.1'] }));
  const { ca } = readCertificates({ tlsCa: one.authority, tlsCert: '', tlsKey: '' });
  const { ca: wrong } = readCertificates({ tlsCa: other.authority, tlsCert: '', tlsKey: '' });
  const basic = { authorization: `Basic ${Buffer.from('people:let-me-in').toString('base64')}` };

  await t.test('at the door', async (t) => {
    t.match(good.url, /^https:/);
    t.equal(await ask(good.url, { ca }, basic), '200');
    t.equal(await ask(good.url, { ca }), '401', 'TLS alone lets nobody in');
    t.equal(await ask(good.url, { ca: wrong }, basic), 'SELF_SIGNED_CERT_IN_CHAIN');
    const shows = (authority: Certificates, name: string, days = 2) => {
      const { certificate, key } = authority.issue(name, [], { days });
      return ask(good.url, { ca, ...readCertificates({ tlsCert: certificate, tlsKey: key, tlsCa: '' }) });
    };
    t.equal(await shows(one, 'host7'), '200', 'a certificate of its authority');
    t.equal(await shows(one, 'old', -1), '401', 'one that has expired');
    t.equal(await shows(other, 'host7'), '401', 'one of another authority');
    const headers = { origin: 'https://other.example' };
    const { certificate, key } = one.issue('browser');
    const mine = readCertificates({ tlsCert: certificate, tlsKey: key, tlsCa: one.authority });
    t.equal(
      await ask(good.url, mine, headers),
      '401',
      'a page of another site does not use a browser’s certificate',
    );
  });

  /** What an agent notes of a master. */
  const notes = async (url: string, authority: string): Promise<string> => {
    const current = readCertificates({ tlsCa: authority, tlsCert: '', tlsKey: '' });
    const said: string[] = [];
    const link = new MasterLink({
      config: {
        masters: [url],
        masterCredential: { principal: 'people', secret: 'let-me-in' },
        reconnect: 60,
        reconnectMost: 60,
        recordLimit: 1 << 20,
      },
      certificates: { current },
      subscription: () => [
        {
          type: 'SUBSCRIBE',
          subscribe: { agent_info: { hostname: 'a', port: 1, resources: [] }, version: '1' },
        },
      ],
      order: (order) => said.push(order.type ?? ''),
      unreadable: () => {},
      note: (text) => said.push(text),
    });
    link.connect();
    await until('it is told something', () => said.length > 0);
    await link.close();
    return said[0] ?? '';
  };
  await t.test('on the way to a master', async (t) => {
    t.equal(await notes(good.url, one.authority), 'SUBSCRIBED');
    t.match(await notes(good.url, other.authority), /self-signed certificate in certificate chain/);
    t.match(await notes(expired.url, one.authority), /certificate has expired/);
    t.match(await notes(elsewhere.url, one.authority), /does not match certificate's altnames/);
  });

  await t.test('commands', async (t) => {
    const nodes = async (url: string, ...flags: string[]) => {
      const named = url.replace('https://', 'https://people:let-me-in@');
      const { status, stderr } = await berth({ BERTH_MASTER: named }, 'node', 'ls', ...flags);
      return `${status} ${stderr}`;
    };
    t.equal(await nodes(good.url, '--ca', one.authority), '0 ');
    t.match(
      await nodes(good.url, '--ca', other.authority),
      /^125 .*self-signed certificate in certificate chain\nName the file of the CA/,
    );
    t.match(await nodes(elsewhere.url, '--ca', one.authority), /^125 .*altnames/);
  });

  await t.test('files that are of no use', async (t) => {
    const { certificate, key } = one.issue('fine');
    const { key: others } = one.issue('others');
    const why = (tlsCert: string, tlsKey: string, tlsCa = '') => {
      try {
        readCertificates({ tlsCert, tlsKey, tlsCa });
        return '';
      } catch (error) {
        return error instanceof BerthError ? error.message : String(error);
      }
    };
    t.match(why(certificate, others), /is not the key of/);
    t.match(why(key, key), /there is no certificate in it/);
    t.match(why(certificate, certificate), /there is no key in it|others can read it/);
    t.match(why('', '', key), /there is no certificate in it/);
    chmodSync(key, 0o644);
    t.match(why(certificate, key), /it is a key, and others can read it/);
  });
});
