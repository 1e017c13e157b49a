import type { AgentSelf } from '../../agent/api/self.js';
import type { Self } from '../../http/self.js';
import type { MasterSelf } from '../../master-lite/operator/self.js';
import type { ServiceStatus } from '../../service/status.js';

const mostTasks = 5;

/** `status` for people: a name and a value in each line. */
export function statusText(
  daemon: 'agent' | 'master',
  { unit, state, installed, config, version_on_disk, outdated, self }: ServiceStatus,
  bytes: (count: number) => string,
): string {
  const rows: [string, string][] = [['unit', unitText(unit, state, installed)]];
  if (self !== null) {
    const other = outdated === true ? `; other code (${version_on_disk}) lies on the disk` : '';
    rows.push(
      ['pid', `${self.pid}, since ${self.started_at}`],
      ['version', `${self.version}${other}`],
      ['address', self.endpoint],
      ...(daemon === 'agent' ? agentRows(self as AgentSelf) : masterRows(self as MasterSelf)),
      ['memory', bytes(self.memory)],
    );
    if (outdated === true)
      rows.push(['mend', `berth ${daemon} install runs what lies on the disk; tasks run on`]);
  } else if (installed) {
    rows.push(['version', `${version_on_disk ?? 'none'} on the disk`], ['mend', `see journalctl -u ${unit}`]);
  }
  if (config !== null) rows.push(['config', config]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

function unitText(unit: string, state: ServiceStatus['state'], installed: boolean): string {
  if (state === null) return 'none: systemd does not run this host';
  if (!installed) return `${unit} is not installed`;
  const again = state.restarts > 0 ? `, started again ${state.restarts} times` : '';
  return `${unit}, ${state.enabled || 'not enabled'}, ${state.active} (${state.sub})${again}`;
}

function agentRows({ id, master, registered, tasks }: AgentSelf): [string, string][] {
  const names = tasks.slice(0, mostTasks).map((task) => task.id);
  const more = tasks.length > mostTasks ? ', …' : '';
  return [
    [
      'master',
      master === null ? 'none yet' : `${master}${registered ? `, registered as ${id}` : ', not connected'}`,
    ],
    ['tasks', tasks.length === 0 ? 'none' : `${tasks.length}: ${names.join(', ')}${more}`],
  ];
}

function masterRows(self: Self & MasterSelf): [string, string][] {
  return [
    ['agents', `${self.agents_connected} connected, ${self.agents} known`],
    ['frameworks', String(self.frameworks)],
    ['tasks', String(self.tasks)],
  ];
}
