import type { ServiceKind } from './unit.js';

/**
 * What a process inherits goes on to the tasks that it starts: filters of system calls, capabilities, a mount namespace, oom_score_adj. So an agent has none of these; what its tasks
 * may do, their own confinement says.
 */
export const agentService: ServiceKind = {
  daemon: 'agent',
  description: 'berth agent: runs the tasks that a master hands to this host',
  properties: [
    '# Tasks live in berth.scope, or in cgroups of their own: nothing that happens to this unit happens to them.',
    'KillMode=process',
    'Delegate=yes',
    'TasksMax=infinity',
    'OOMPolicy=continue',
    '# Nothing here is inherited by tasks: what is (filters, capabilities, mounts, oom_score_adj) is left to their own confinement.',
    'KeyringMode=private',
  ],
};

/** It starts no process, and writes to its store alone. */
export const masterService: ServiceKind = {
  daemon: 'master',
  description: 'berth master: keeps a cluster together',
  properties: [
    'LimitCORE=0',
    '# It is root for its folder and to know who asks; no more is left of that.',
    'CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_DAC_READ_SEARCH',
    'NoNewPrivileges=yes',
    'ProtectSystem=full',
    'ProtectHome=read-only',
    'PrivateTmp=yes',
    'PrivateDevices=yes',
    'ProtectClock=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'LockPersonality=yes',
    'SystemCallArchitectures=native',
    // The last one is how a cgroup is found by its number (open_by_handle_at(2)).
    'SystemCallFilter=@system-service open_by_handle_at',
    'SystemCallErrorNumber=EPERM',
  ],
};
