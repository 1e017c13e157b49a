import { BerthError } from '../../errors/berth-error.js';
import type { InspectionDocument } from '../../inspect/row.js';
import type { Depth } from '../../inspect/rows.js';
import { clusterDocument, type NodePart } from '../../inspect/whole.js';
import { AgentClient } from './agent-client.js';
import type { MasterClient } from './master-client.js';
import { listNodes } from './nodes.js';

export interface ClusterOptions {
  depth: Depth;
  /** Seconds between the two samples that each node takes. */
  interval: number;
  pss: boolean;
  /** One task alone, by its id, a beginning of it, or its name. */
  task?: string;
  /** Told of nodes that did not answer. */
  note(text: string): void;
}

/** Seconds that a node has beside the interval itself. */
const patience = 10;

/** Asks the master for its nodes and each node for its rows, all at once. */
export async function inspectCluster(
  client: MasterClient,
  { depth, interval, pss, task, note }: ClusterOptions,
): Promise<InspectionDocument> {
  const [nodes, { flags = [] }] = await Promise.all([
    listNodes(client),
    client.ask({ type: 'GET_FLAGS' }, 'get_flags'),
  ]);
  const name = flags.find((flag) => flag.name === 'cluster')?.value || 'cluster';
  const parts = await Promise.all(
    nodes.map(async ({ id, name, state, memory, address }): Promise<NodePart> => {
      const part = { id, name, state, memory };
      if (address === null || state === 'unreachable') return { ...part, document: undefined };
      try {
        const query = { depth, interval: String(interval), pss: pss ? '1' : undefined, task };
        const document = await new AgentClient(address, client.access).json<InspectionDocument>(
          '/berth/v1/inspect',
          query,
          interval + patience,
        );
        return { ...part, document };
      } catch (error) {
        if (!(error instanceof BerthError)) throw error;
        note(`node ${name}: ${error.message}`);
        return { ...part, document: undefined };
      }
    }),
  );
  return clusterDocument(name, parts);
}

/** The rows of one task of a cluster, itself first. */
export function rowsOfTask(document: InspectionDocument, wanted: string): InspectionDocument {
  const tasks = document.rows.filter(({ level }) => level === 'task');
  const exact = tasks.filter(({ id, name }) => id === wanted || name === wanted);
  const [only, second] = exact.length > 0 ? exact : tasks;
  if (only === undefined || second !== undefined) {
    throw new BerthError('TASK_NOT_FOUND', {
      what: `task ${wanted}`,
      why: only === undefined ? 'it runs on no node that answers' : 'several are called so, or begin so',
      mend: 'berth ps --cluster shows those that run.',
    });
  }
  return { ...document, rows: document.rows.filter(({ task_id }) => task_id === only.task_id) };
}
