import http from 'node:http';
import type { Self } from '../http/self.js';

/** Milliseconds. */
const patience = 10_000;

/** What a daemon says of itself over its local socket; undefined: nobody answers there. */
export function askSelf<Said extends Self>(socketPath: string): Promise<Said | undefined> {
  return new Promise((resolve) => {
    const request = http.get({ socketPath, path: '/berth/v1/self', agent: false, timeout: patience });
    const none = () => resolve(undefined);
    request.once('timeout', () => request.destroy(new Error('it does not answer')));
    request.once('error', none);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('error', none);
      response.once('end', () => {
        try {
          resolve(response.statusCode === 200 ? (JSON.parse(text) as Said) : undefined);
        } catch {
          none();
        }
      });
    });
  });
}
