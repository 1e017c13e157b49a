import type http from 'node:http';
import { BerthError } from '../../errors/berth-error.js';
import { connectionTrouble } from '../../errors/no-connection.js';
import { type Access, trustMend } from './access.js';

/** Asks an agent at the address that the master has for it. What opens the master's door is not shown to agents: they have credentials of their own. */
export class AgentClient {
  /** @param address HOST:PORT. `BERTH_AGENT_TOKEN`: a token; `BERTH_AGENT_PASSWORD`: `NAME:SECRET`. */
  constructor(
    private readonly address: string,
    private readonly access: Access,
  ) {}

  async json<Body>(path: string, query: Record<string, string | undefined>, patience: number): Promise<Body> {
    const response = await this.get(path, query, patience);
    const parts: Buffer[] = [];
    try {
      for await (const part of response) parts.push(part as Buffer);
      return JSON.parse(Buffer.concat(parts).toString('utf8')) as Body;
    } catch (error) {
      throw this.unreachable(connectionTrouble(error));
    }
  }

  /** @param patience Seconds until the answer begins. */
  get(
    path: string,
    query: Record<string, string | undefined>,
    patience: number,
  ): Promise<http.IncomingMessage> {
    const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const url = this.access.url(this.address, `${path}?${new URLSearchParams(given)}`);
    return new Promise((resolve, reject) => {
      const request = this.access.request(url, {}, authorization());
      const timer = setTimeout(
        () => request.destroy(new Error(`it did not answer for ${patience} seconds`)),
        patience * 1000,
      );
      request.once('error', (error) => {
        clearTimeout(timer);
        reject(this.unreachable(connectionTrouble(error), trustMend(error)));
      });
      request.end();
      request.once('response', (response) => {
        clearTimeout(timer);
        if (response.statusCode === 200) resolve(response);
        else this.refused(response).then(reject, reject);
      });
    });
  }

  private async refused(response: http.IncomingMessage): Promise<BerthError> {
    let text = '';
    response.setEncoding('utf8');
    for await (const part of response) text = `${text}${part as string}`.slice(0, 500);
    const why = text.trim() === '' ? `it answered with status ${response.statusCode}` : text.trim();
    const mend = 'Set BERTH_AGENT_TOKEN, or BERTH_AGENT_PASSWORD to NAME:SECRET.';
    return new BerthError('AGENT_REFUSED', {
      what: `agent ${this.address}`,
      why,
      ...(response.statusCode === 401 && { mend }),
    });
  }

  private unreachable(why: string, mend?: string): BerthError {
    return new BerthError('AGENT_UNREACHABLE', {
      what: `agent ${this.address}`,
      why,
      ...(mend !== undefined && { mend }),
    });
  }
}

/** What opens an agent's door for this user. */
export function authorization(): string | undefined {
  const { BERTH_AGENT_TOKEN: token, BERTH_AGENT_PASSWORD: password } = process.env;
  if (token !== undefined) return `Bearer ${token}`;
  return password === undefined ? undefined : `Basic ${Buffer.from(password).toString('base64')}`;
}
