import http from 'node:http';
import https from 'node:https';
import type { Command } from 'commander';
import { BerthError } from '../../errors/berth-error.js';
import type { MasterCall, MasterResponse } from '../../mesos/messages.js';
import { usageError } from '../report.js';

const defaultMaster = 'http://127.0.0.1:5050';

/** What every verb that asks the master takes. */
export function masterFlag(command: Command): Command {
  return command.option('--master <url>', `the cluster's master (BERTH_MASTER, default ${defaultMaster})`);
}

/** Asks a master over its operator API, in JSON. */
export class MasterClient {
  private readonly url: URL;

  /** @param flags `--master`, else BERTH_MASTER; `http://NAME:SECRET@HOST:PORT` for a password, BERTH_MASTER_TOKEN for a token. */
  constructor(flags: { master?: string }) {
    const text = flags.master ?? process.env.BERTH_MASTER ?? defaultMaster;
    try {
      this.url = new URL(/^https?:\/\//.test(text) ? text : `http://${text}`);
    } catch {
      throw usageError(`--master ${text}`, 'it is no URL', 'Give it as http://HOST:PORT.');
    }
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

  async tell(call: MasterCall): Promise<void> {
    await this.post('/api/v1', call);
  }

  /** One of berth's own additions: the JSON of the request is the body. */
  async post(path: string, body: object): Promise<string> {
    const { status, text } = await this.send(path, JSON.stringify(body));
    if (status === 200 || status === 202) return text;
    throw this.refused(text.trim() === '' ? `it answered with status ${status}` : text.trim());
  }

  private refused(why: string): BerthError {
    return new BerthError('MASTER_REFUSED', { what: `master ${this.url.host}`, why });
  }

  private send(path: string, body: string): Promise<{ status: number; text: string }> {
    const { username, password, protocol, hostname, port } = this.url;
    const token = process.env.BERTH_MASTER_TOKEN;
    const authorization =
      username !== ''
        ? `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`
        : token === undefined
          ? undefined
          : `Bearer ${token}`;
    return new Promise((resolve, reject) => {
      const unreachable = (cause: Error) =>
        reject(
          new BerthError('MASTER_UNREACHABLE', {
            what: `master ${this.url.host}`,
            why: cause.message,
            mend: 'Start one with berth master, or name it with --master URL.',
            cause,
          }),
        );
      const request = (protocol === 'https:' ? https : http).request(
        {
          protocol,
          // An IPv6 address stands in brackets in a URL alone.
          hostname: hostname.replace(/^\[|\]$/g, ''),
          port,
          path,
          method: 'POST',
          agent: false,
          headers: {
            'Content-Type': 'application/json',
            Accept: 'application/json',
            ...(authorization !== undefined && { Authorization: authorization }),
          },
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', unreachable);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
          );
        },
      );
      request.on('error', unreachable);
      request.end(body);
    });
  }
}
