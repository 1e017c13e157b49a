import { sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { person } from './docker-registry.js';

/** One question to a token server. */
export interface TokenAsked {
  method: string;
  authorization: string | undefined;
  form: URLSearchParams;
  scopes: string[];
}

/**
 * Issues the tokens that docker-registry takes (distribution's token specification): JSON Web Tokens, signed with a key whose certificate the registry knows. Everybody may
 * pull from `public/…`, the person everything, with a password or with the identity token.
 */
export class TokenServer {
  static readonly service = 'a registry of a test';
  static readonly identity = 'an-identity-token';
  readonly asked: TokenAsked[] = [];
  /** Seconds that a token really lives; it says that it lives for longer. */
  lives = 300;

  private constructor(
    readonly realm: string,
    private readonly key: string,
    private readonly certificate: string,
  ) {}

  static async start(t: Test, pair: { certificate: string; key: string }): Promise<TokenServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
    const own = new TokenServer(
      realm,
      readFileSync(pair.key, 'utf8'),
      readFileSync(pair.certificate, 'utf8'),
    );
    server.on('request', async (request: IncomingMessage, response) => {
      const token = await own.answer(request);
      response.writeHead(token === undefined ? 401 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ token, expires_in: 300 }));
    });
    return own;
  }

  private async answer(request: IncomingMessage): Promise<string | undefined> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const query = new URL(request.url ?? '', this.realm).searchParams;
    const form = request.method === 'POST' ? new URLSearchParams(Buffer.concat(parts).toString()) : query;
    const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '));
    const { authorization } = request.headers;
    this.asked.push({ method: request.method ?? '', authorization, form, scopes });
    const pair = `Basic ${Buffer.from(`${person.user}:${person.password}`).toString('base64')}`;
    const known = authorization === pair || form.get('refresh_token') === TokenServer.identity;
    if (!known && (authorization !== undefined || form.has('refresh_token'))) return undefined;
    return this.token(scopes, known);
  }

  private token(scopes: readonly string[], known: boolean): string {
    const access = scopes.map((scope) => {
      const [type = '', name = '', actions = ''] = scope.split(':');
      const wanted = actions.split(',');
      const granted = known
        ? wanted
        : name.startsWith('public/')
          ? wanted.filter((each) => each === 'pull')
          : [];
      return { type, name, actions: granted };
    });
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: 'a test',
      sub: known ? person.user : '',
      aud: TokenServer.service,
      // The registry grants a minute on top (docker/distribution, registry/auth/token, Leeway).
      exp: now + this.lives - 60,
      nbf: now - 600,
      iat: now - 600,
      jti: String(this.asked.length),
      access,
    };
    const header = {
      typ: 'JWT',
      alg: 'ES256',
      x5c: [new X509Certificate(this.certificate).raw.toString('base64')],
    };
    const text = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(text), { key: this.key, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }
}
