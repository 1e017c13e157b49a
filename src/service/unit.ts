import type { Roots } from '../state/roots.js';
import { nodeEnvironment, nodeOptions } from './daemon-node.js';

/** A daemon of berth's that systemd is to run. */
export interface ServiceKind {
  /** The verb that runs it. */
  daemon: 'agent' | 'master';
  /** What it is for, to people who list units. */
  description: string;
  /** Of systemd.exec(5) and systemd.service(5), beside those that all have. */
  properties: readonly string[];
}

export interface Installation {
  roots: Roots;
  /** The file of its configuration. */
  config: string;
  /** Absolute: the Node that runs it. */
  node: string;
  /** Absolute: the folder that berth is in. */
  folder: string;
}

export const unitName = ({ daemon }: Pick<ServiceKind, 'daemon'>) => `berth-${daemon}.service`;
export const unitFile = (kind: Pick<ServiceKind, 'daemon'>) => `/etc/systemd/system/${unitName(kind)}`;

/** Seconds: an agent takes up all of its tasks before it is ready. */
const startSeconds = 600;
const stopSeconds = 30;
const restartSeconds = 2;

/** The unit as systemd.service(5) has it. What is installed is kept in a section of berth's own, which systemd passes over. */
export function unitText(kind: ServiceKind, { roots, config, node, folder }: Installation): string {
  const { daemon, description, properties } = kind;
  const command = [
    node,
    ...nodeOptions,
    `${folder}/bin/berth.cjs`,
    daemon,
    '--root',
    roots.root,
    '--state',
    roots.state,
  ];
  return `# Written by berth ${daemon} install, and written anew by the next one: what is special to this host belongs into systemctl edit berth-${daemon}.
[Unit]
Description=${description}
# An address that is not there yet, a master that cannot be reached: it tries again, and never gives up.
After=network.target
StartLimitIntervalSec=0
RequiresMountsFor=${[roots.root, folder, config].map(quoted).join(' ')}

[Service]
Type=notify
NotifyAccess=main
ExecStart=${[...command, '--config', config].map(argument).join(' ')}
# Certificates are read again.
ExecReload=/bin/kill -HUP $MAINPID
# Not after status 0: a signal of a person's, or an agent that has left its cluster for good.
Restart=on-failure
RestartSec=${restartSeconds}
TimeoutStartSec=${startSeconds}
TimeoutStopSec=${stopSeconds}
UMask=0022
${Object.entries(nodeEnvironment)
  .map(([name, value]) => `Environment=${name}=${value}`)
  .join('\n')}
LimitNOFILE=524288
${properties.join('\n')}

[Install]
WantedBy=multi-user.target

[X-Berth]
Root=${roots.root}
State=${roots.state}
Config=${config}
Node=${node}
Folder=${folder}
`;
}

/** What a unit was installed with; undefined: it is none of ours. */
export function readUnit(text: string): Installation | undefined {
  const [, section = ''] = /^\[X-Berth\]\n([\s\S]*)$/m.exec(text) ?? [];
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(section)?.[1];
  const [root, state, config] = [value('Root'), value('State'), value('Config')];
  const [node, folder] = [value('Node'), value('Folder')];
  if (root === undefined || state === undefined || config === undefined) return undefined;
  if (node === undefined || folder === undefined) return undefined;
  return { roots: { root, state }, config, node, folder };
}

/** One word of a unit's setting (systemd.syntax(7), "Quoting"; systemd.unit(5), "Specifiers"). */
function quoted(word: string): string {
  const escaped = word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%');
  return /[\s'"\\;]/.test(word) ? `"${escaped}"` : escaped;
}

/** One of a command line, where a dollar names a variable (systemd.service(5), "Command lines"). */
const argument = (word: string) => quoted(word).replaceAll('$', '$$$$');
