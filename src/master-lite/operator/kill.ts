import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import type { Cluster } from '../cluster.js';
import { killTask } from '../scheduler/kill.js';
import { longestDuration } from './body.js';

/** berth's own: an operator ends a task, for which the v1 API has no call. JSON `{framework_id, task_id, grace_seconds?}`, 202. */
export function killCall(cluster: Cluster, exchange: Exchange): void {
  exchange.need('operate', 'KILL_TASK');
  const { framework_id, task_id, grace_seconds: grace } = exchange.json;
  if (typeof framework_id !== 'string' || typeof task_id !== 'string')
    throw new HttpError(400, "Expecting 'framework_id' and 'task_id' to be texts");
  if (grace !== undefined && !(typeof grace === 'number' && grace >= 0 && grace * 1e9 < longestDuration))
    throw new HttpError(
      400,
      "Expecting 'grace_seconds' to be a number from 0 on, and no more than 292 years",
    );
  const record = cluster.frameworks.get(framework_id)?.tasks.get(task_id);
  if (record === undefined || record.ended) throw new HttpError(404, `Task ${task_id} does not run`);
  killTask(
    cluster,
    record,
    typeof grace === 'number' ? { grace_period: { nanoseconds: grace * 1e9 } } : undefined,
  );
  exchange.accepted();
}
