import type { Command } from 'commander';
import { BerthError } from '../../errors/berth-error.js';
import { connectionTrouble } from '../../errors/no-connection.js';
import type { AgentInfo, MasterCall, MasterResponse } from '../../mesos/messages.js';
import { usageError } from '../report.js';
import { Access, type AccessFlags, trustMend } from './access.js';

const defaultMaster = 'http://127.0.0.1:5050';

/** What every verb that asks the master takes. */
export function masterFlag(command: Command): Command {
  return command
    .option('--master <url>', `the cluster's master (BERTH_MASTER, default ${defaultMaster})`)
    .option('--ca <file>', 'who signs the certificates of master and agents, as PEM (BERTH_CA)');
}

/** Asks a master over its operator API, in JSON. */
export class MasterClient {
  private readonly url: URL;
  /** How this master is reached, and its agents. */
  readonly access: Access;

  /** @param flags `--master`, else BERTH_MASTER; `https://NAME:SECRET@HOST:PORT` for a password, BERTH_MASTER_TOKEN for a token. */
  constructor(flags: AccessFlags) {
    const text = flags.master ?? process.env.BERTH_MASTER ?? defaultMaster;
    try {
      this.url = new URL(/^https?:\/\//.test(text) ? text : `http://${text}`);
    } catch {
      throw usageError(`--master ${text}`, 'it is no URL', 'Give it as http://HOST:PORT.');
    }
    this.access = new Access(this.url.protocol === 'https:', flags);
  }

  async ask<Name extends keyof MasterResponse>(
    call: MasterCall,
    member: Name,
  ): Promise<NonNullable<MasterResponse[Name]>> {
    const response = JSON.parse(await this.post('/api/v1', call)) as MasterResponse;
    const body = response[member];
    if (body === undefined || body === null) throw this.refused(`it answered without ${String(member)}`);
    return body;
  }

  /** Agents that are silent for too long, which the v1 API has no word for. A master that is not berth's tells of none. */
  async unreachableAgents(): Promise<{ agent_info: AgentInfo; address: string }[]> {
    const { status, text } = await this.send('GET', '/berth/v1/unreachable', '');
    if (status === 404) return [];
    if (status !== 200) throw this.refused(text.trim());
    return (JSON.parse(text) as { agents: { agent_info: AgentInfo; address: string }[] }).agents;
  }

  async tell(call: MasterCall): Promise<void> {
    await this.post('/api/v1', call);
  }

  /** One of berth's own additions: the JSON of the request is the body. */
  async post(path: string, body: object): Promise<string> {
    const { status, text } = await this.send('POST', path, JSON.stringify(body));
    if (status === 200 || status === 202) return text;
    throw this.refused(text.trim() === '' ? `it answered with status ${status}` : text.trim());
  }

  private refused(why: string): BerthError {
    return new BerthError('MASTER_REFUSED', { what: `master ${this.url.host}`, why });
  }

  private send(
    method: 'GET' | 'POST',
    path: string,
    body: string,
  ): Promise<{ status: number; text: string }> {
    const { username, password } = this.url;
    const token = process.env.BERTH_MASTER_TOKEN;
    const authorization =
      username !== ''
        ? `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`
        : token === undefined
          ? undefined
          : `Bearer ${token}`;
    return new Promise((resolve, reject) => {
      const unreachable = (cause: Error & { code?: string }) =>
        reject(
          new BerthError('MASTER_UNREACHABLE', {
            what: `master ${this.url.host}`,
            why: connectionTrouble(cause),
            mend: trustMend(cause) ?? 'Start one with berth master, or name it with --master URL.',
            cause,
          }),
        );
      const url = this.access.url(this.url.host, path);
      const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
      const request = this.access.request(url, { method, headers }, authorization);
      request.once('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', unreachable);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
        );
      });
      request.on('error', unreachable);
      request.end(body);
    });
  }
}
