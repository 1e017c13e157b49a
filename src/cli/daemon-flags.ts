import path from 'node:path';
import type { Command } from 'commander';
import { endpoint } from './endpoint.js';

/** What agent and master take alike, to be run and to be installed. */
export function doorFlags(command: Command, port: number): Command {
  return command
    .option('--listen <host:port>', `where it answers (default: 127.0.0.1:${port})`, endpoint)
    .option('--tls-cert <file>', 'its certificate, as PEM: it speaks HTTPS alone then', absolute)
    .option('--tls-key <file>', 'the key of its certificate', absolute)
    .option('--tls-ca <file>', 'who signs the certificates of those whom it believes', absolute)
    .option('--plain-http', 'let credentials cross the network in plain');
}

/** What says what an agent is in its cluster. */
export function agentFlags(command: Command): Command {
  return command
    .option('--master <url,…>', 'where masters answer (default: http://127.0.0.1:5050)')
    .option('--hostname <name>', 'what it is called in the cluster (default: the name of this host)')
    .option('--attributes <list>', 'what frameworks may choose hosts by: rack:a;zone:b')
    .option('--resources <list>', 'what it offers: cpus:4;mem:8192; what is not named is found out');
}

const absolute = (file: string) => path.resolve(file);

/** Masters as `--master` names them. */
export const masterUrls = (list: string) =>
  list.split(',').map((url) => (/^https?:\/\//.test(url) ? url : `http://${url}`));
