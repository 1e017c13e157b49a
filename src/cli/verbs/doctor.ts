import type { Check } from '../../containerizer/host/check.js';
import { examineHost, type HostReport } from '../../containerizer/host/examine.js';
import { table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show what this host has and lacks',
  example: 'berth doctor --json',
  declare() {},
  async run({ roots, json, out }) {
    const report = await examineHost(roots);
    out(json ? `${JSON.stringify(report)}\n` : forPeople(report));
    return statusOf(report);
  },
};

/** 1 when something that `berth run` needs is missing. */
export function statusOf({ checks }: HostReport): number {
  return checks.some((check) => check.status === 'missing') ? 1 : 0;
}

export function forPeople({ cgroup, checks }: HostReport): string {
  const controllers = cgroup.controllers.map(({ name, hierarchy }) => `${name} ${hierarchy}`).join(', ');
  return [
    table(
      [{ header: 'CHECK' }, { header: 'STATUS' }, { header: 'DETAIL' }],
      checks.map(({ name, status, detail }) => [name, status, detail]),
    ),
    `Cgroup layout ${cgroup.layout}: ${controllers}\n`,
    lacks('Missing; berth run needs it', checks, 'missing'),
    lacks('Worth mending', checks, 'warn'),
    `${verdict(checks)}\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function lacks(title: string, checks: readonly Check[], status: Check['status']): string {
  const lines = checks
    .filter((check) => check.status === status && check.mend !== null)
    .map(({ name, mend }) => `  ${name}: ${mend}\n`);
  return lines.length === 0 ? '' : `${title}:\n${lines.join('')}`;
}

function verdict(checks: readonly Check[]): string {
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  return count('missing') === 0
    ? `This host can run containers (${count('ok')} ok, ${count('warn')} warning${count('warn') === 1 ? '' : 's'}).`
    : `This host lacks ${count('missing')} of what berth run needs.`;
}
