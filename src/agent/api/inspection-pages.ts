import { HttpError } from '../../http/http-error.js';
import type { ApiServer } from '../../http/server.js';
import type { Depth } from '../../inspect/rows.js';
import { inspectNode } from '../inspection/cluster-rows.js';
import type { ApiContext } from './context.js';

const depths: readonly string[] = ['task', 'process', 'thread'] satisfies Depth[];
/** Seconds. */
const longestInterval = 60;

/** `GET /berth/v1/inspect?depth&interval&pss&task`: the rows of `berth ps` for this node, with the cluster's names. */
export function addInspectionPages({ agent }: ApiContext, server: ApiServer): void {
  server.page(['/berth/v1/inspect'], async (query) => {
    const depth = query.get('depth') ?? 'task';
    if (!depths.includes(depth)) throw new HttpError(400, `depth is one of ${depths.join(', ')}`);
    const interval = Number(query.get('interval') ?? 0.5);
    if (!(interval > 0 && interval <= longestInterval))
      throw new HttpError(400, `interval is a number of seconds up to ${longestInterval}`);
    const task = query.get('task');
    return inspectNode(agent, {
      intervalSeconds: interval,
      depth: depth as Depth,
      pss: query.get('pss') === '1',
      ...(task !== null && { task }),
    });
  });
}
