import type { ApiServer } from '../../http/server.js';
import { version } from '../../version.js';
import type { Cluster } from '../cluster.js';
import { metricsOf } from './gauges.js';
import { executorPages, frameworkPage, rolePage, slavePage, stateHead, taskPage } from './older.js';
import { selfPage } from './self.js';
import { flagsOf, quotasOf, rolesOf, tasksOf } from './views.js';

/** The older endpoints, which tools still ask. Each also answers below /master. */
export function addPages(cluster: Cluster, server: ApiServer): void {
  const page = (name: string, answer: (query: URLSearchParams) => unknown) =>
    server.page([`/${name}`, `/master/${name}`], answer);
  page('health', () => ({}));
  server.page(['/version'], () => ({ version }));
  server.page(['/berth/v1/self'], () => selfPage(cluster));
  server.page(['/berth/v1/unreachable'], () => ({
    agents: [...cluster.agents.values()]
      .filter((agent) => agent.stored.state === 'unreachable')
      .map(({ info, address, stored: { since } }) => ({ agent_info: info, address, since })),
  }));
  // There is one master, and it leads.
  server.file(['/redirect', '/master/redirect'], (_, reply) => {
    const { ip, port } = cluster.info.address ?? { port: cluster.info.port };
    reply.code(307).header('Location', `//${ip}:${port}`).send();
  });
  page('flags', () => ({
    flags: Object.fromEntries(flagsOf(cluster).map(({ name, value }) => [name, value])),
  }));
  server.page(['/metrics/snapshot', '/system/stats.json'], () => metricsOf(cluster));
  page('slaves', () => slaves(cluster));
  page('frameworks', () => frameworks(cluster));
  page('roles', () => ({ roles: rolesOf(cluster).map(rolePage) }));
  page('tasks', (query) => tasks(cluster, query));
  const state = () => ({
    ...stateHead(cluster),
    ...slaves(cluster),
    ...frameworks(cluster),
    orphan_tasks: [],
  });
  page('state', state);
  page('state.json', state);
  page('state-summary', () => ({
    hostname: cluster.info.hostname,
    cluster: cluster.config.cluster,
    slaves: slaves(cluster).slaves,
    frameworks: frameworks(cluster).frameworks.map(({ tasks, completed_tasks, ...rest }) => ({
      ...rest,
      ...counts(tasks.concat(completed_tasks)),
    })),
  }));
  page('maintenance/schedule', () => cluster.maintenance.schedule);
  page('maintenance/status', () => cluster.maintenance.status);
  page('quota', () => ({ infos: quotasOf(cluster) }));
  page('weights', () => [...cluster.weights].map(([role, weight]) => ({ role, weight })));
}

function slaves(cluster: Cluster) {
  const all = [...cluster.agents.values()];
  return {
    slaves: all.filter((agent) => agent.stored.state === 'registered').map(slavePage),
    recovered_slaves: all.filter((agent) => agent.stored.state === 'recovered').map(slavePage),
  };
}

function frameworks(cluster: Cluster) {
  const executors = executorPages(cluster);
  const own = (id: string) => executors.filter(({ framework_id }) => framework_id === id);
  return {
    frameworks: [...cluster.frameworks.values()].map((each) => frameworkPage(each, own(each.id))),
    completed_frameworks: [...cluster.completedFrameworks.values()].map((each) => frameworkPage(each)),
    unregistered_frameworks: [],
  };
}

/** Newest first, unless `order=asc`; a hundred of them, unless `limit` says otherwise. */
function tasks(cluster: Cluster, query: URLSearchParams) {
  const { tasks = [], unreachable_tasks = [], completed_tasks = [] } = tasksOf(cluster);
  const [framework, task] = [query.get('framework_id'), query.get('task_id')];
  const wanted = [...completed_tasks, ...unreachable_tasks, ...tasks].filter(
    ({ framework_id, task_id }) =>
      (framework === null || framework_id.value === framework) && (task === null || task_id.value === task),
  );
  if (query.get('order') !== 'asc') wanted.reverse();
  const offset = Number(query.get('offset') ?? 0) || 0;
  const limit = Number(query.get('limit') ?? 100) || 100;
  return { tasks: wanted.slice(offset, offset + limit).map(taskPage) };
}

function counts(tasks: readonly { state: string }[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const { state } of tasks) result[state] = (result[state] ?? 0) + 1;
  return result;
}
