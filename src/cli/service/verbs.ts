import path from 'node:path';
import { endpointText } from '../../settings/endpoint.js';
import type { DoorFlags } from '../../settings/flags.js';
import { agentFlags, doorFlags, masterUrls } from '../daemon-flags.js';
import type { Daemon } from '../daemons/service.js';
import type { Verb } from '../verb.js';

const configFile = (daemon: Daemon) => `/etc/berth/${daemon}.json`;

interface InstallFlags extends DoorFlags {
  master?: string;
  hostname?: string;
  attributes?: string;
  resources?: string;
  config: string;
  print?: boolean;
}

/** What the flags say, as the file would have it. */
function membersOf({ master, listen, tlsCert, tlsKey, tlsCa, plainHttp, ...flags }: InstallFlags) {
  const all = {
    masters: master === undefined ? undefined : masterUrls(master),
    listen: listen === undefined ? undefined : endpointText(listen),
    tls_cert: tlsCert,
    tls_key: tlsKey,
    tls_ca: tlsCa,
    plain_http: plainHttp,
    hostname: flags.hostname,
    resources: flags.resources,
    attributes: flags.attributes,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

export const installVerb = (daemon: Daemon, port: number): Verb => ({
  summary: `Have systemd run the ${daemon} of this host, or exchange the one that it runs; tasks run on`,
  example: daemon === 'agent' ? 'berth agent install --master https://10.0.0.1:5050' : 'berth master install',
  declare(command) {
    (daemon === 'agent' ? doorFlags(agentFlags(command), port) : doorFlags(command, port))
      .option(
        '--config <file>',
        'its configuration; where there is none it is written, by these flags',
        (file) => path.resolve(file),
        configFile(daemon),
      )
      .option('--print', 'only show what would be written');
  },
  async run(context, _args, given) {
    const flags = given as unknown as InstallFlags;
    const { installDaemon } = await import('../daemons/service.js');
    const { config, print } = flags;
    return installDaemon(daemon, { ...context, config, print: print === true, given: membersOf(flags) });
  },
});

export const uninstallVerb = (daemon: Daemon): Verb => ({
  summary: `End the ${daemon} that systemd runs on this host, and remove its unit`,
  example: `berth ${daemon} uninstall`,
  declare(command) {
    command
      .option('--purge', 'with its state and its configuration')
      .option(
        '-f, --force',
        daemon === 'agent' ? 'also while tasks run: they run on, or are ended with --purge' : 'unasked',
      )
      .option('--config <file>', 'its configuration', configFile(daemon));
  },
  async run(context, _args, { force, purge, config }) {
    const { uninstallDaemon } = await import('../daemons/service.js');
    const flags = { force: force === true, purge: purge === true, config: String(config) };
    return uninstallDaemon(daemon, { ...context, ...flags });
  },
});

export const statusVerb = (daemon: Daemon): Verb => ({
  summary: `Show how the ${daemon} of this host is: its unit, its version, what it is connected to`,
  example: `berth ${daemon} status --json`,
  declare() {},
  async run(context) {
    const { daemonStatus } = await import('../daemons/service.js');
    return daemonStatus(daemon, context);
  },
});
