import { averageMicrostates, unknownMicrostates } from './microstates.js';
import type { InspectionDocument, Level, Row } from './row.js';

/** A node of a cluster, and what it said of itself. */
export interface NodePart {
  id: string;
  name: string;
  state: string;
  /** Bytes that it has. */
  memory: number;
  /** Undefined: it did not answer. */
  document: InspectionDocument | undefined;
}

/** The rows of a whole cluster: itself, each node, and what each node has. Pure. */
export function clusterDocument(name: string, nodes: readonly NodePart[]): InspectionDocument {
  const parts = nodes.map((node) => ({ node, rows: renamed(node, nodes) }));
  const below = parts.flatMap(({ node, rows }) => [nodeRow(name, node, rows), ...rows]);
  const own = below.filter(({ level }) => level === 'node');
  const answered = nodes.flatMap(({ document }) => (document === undefined ? [] : [document.sampling]));
  const most = (values: number[]) => values.reduce((a, b) => Math.max(a, b), 0);
  const total = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const sources =
    answered.find(({ threads_sampled }) => threads_sampled > 0)?.sources ?? answered[0]?.sources;
  return {
    sampling: {
      interval_seconds: most(answered.map((each) => each.interval_seconds)),
      cost_cpu_seconds: total(answered.map((each) => each.cost_cpu_seconds)),
      threads_sampled: total(answered.map((each) => each.threads_sampled)),
      sources: sources ?? {
        cpu: null,
        run_queue: null,
        block_io: null,
        memory_stall: null,
        throttled: null,
        memory: null,
      },
    },
    rows: [
      wholeRow({ level: 'cluster', id: name, name, parent_id: null, node: '', state: 'up' }, own),
      ...below,
    ],
  };
}

/** Of two nodes that have a task of the same id each says so; so every id is of one row. */
function renamed(node: NodePart, nodes: readonly NodePart[]): Row[] {
  const rows = node.document?.rows ?? [];
  const taken = new Set(
    nodes.filter((each) => each !== node).flatMap((each) => (each.document?.rows ?? []).map(({ id }) => id)),
  );
  const twice = new Set(
    rows.filter(({ level, id }) => level === 'task' && taken.has(id)).map(({ id }) => id),
  );
  if (twice.size === 0)
    return rows.map((row) => (row.level === 'task' ? { ...row, parent_id: node.id } : row));
  return rows.map((row) => {
    const told = row.task_id !== null && twice.has(row.task_id) ? `${row.task_id}@${node.id}` : row.task_id;
    const rename = (id: string | null) =>
      id !== null && told !== null && row.task_id !== null && id.startsWith(row.task_id)
        ? `${told}${id.slice(row.task_id.length)}`
        : id;
    return {
      ...row,
      id: rename(row.id) ?? row.id,
      parent_id: row.level === 'task' ? node.id : rename(row.parent_id),
      task_id: told,
    };
  });
}

function nodeRow(cluster: string, node: NodePart, rows: readonly Row[]): Row {
  const { id, name, state, document, memory } = node;
  const head = {
    ...{ level: 'node' as const, id, name, parent_id: cluster, node: name },
    state: document === undefined ? 'unreachable' : state,
  };
  const row = wholeRow(
    head,
    document === undefined ? undefined : rows.filter(({ level }) => level === 'task'),
  );
  return { ...row, memory_limit: memory };
}

type Head = Pick<Row, 'id' | 'name' | 'parent_id' | 'node' | 'state'> & { level: Level };

const summed = [
  'cpu_percent',
  'memory_rss',
  'memory_pss',
  'memory_working_set',
  'memory_limit',
  'threads',
  'processes',
  'fds',
  'io_read_bytes_per_second',
  'io_write_bytes_per_second',
  'faults_major_per_second',
  'switches_voluntary_per_second',
  'switches_involuntary_per_second',
] as const;

/** The sum of what is below; undefined: that is not known. A quota holds a task alone, so nothing above is throttled. */
function wholeRow(head: Head, below: readonly Row[] | undefined): Row {
  const told = { ...empty, ...head };
  if (below === undefined) return told;
  for (const member of summed) {
    const values = below.map((row) => row[member]).filter((value) => value !== null);
    // Nothing runs there: that is known to use nothing.
    if (values.length > 0 || below.length === 0) told[member] = rounded(values.reduce((a, b) => a + b, 0));
  }
  const microstates = averageMicrostates(below.map((row) => [row.microstates, row.threads ?? 0]));
  for (const [state, value] of Object.entries(microstates) as [keyof Row['microstates'], number | null][])
    microstates[state] = value === null ? null : Number(value.toFixed(6));
  return { ...told, microstates };
}

const rounded = (value: number) => Number(value.toFixed(3));

/** In the order of the document. */
const empty: Row = {
  level: 'node',
  id: '',
  name: '',
  parent_id: null,
  node: '',
  task_id: null,
  zone: null,
  image: null,
  address: null,
  ports: null,
  pid: null,
  nspid: null,
  tid: null,
  state: '',
  start_time: null,
  uptime_seconds: null,
  cpu_percent: null,
  cpu_seconds: null,
  memory_rss: null,
  memory_pss: null,
  memory_working_set: null,
  memory_limit: null,
  threads: null,
  processes: null,
  fds: null,
  io_read_bytes_per_second: null,
  io_write_bytes_per_second: null,
  faults_major_per_second: null,
  switches_voluntary_per_second: null,
  switches_involuntary_per_second: null,
  microstates: unknownMicrostates,
};
