import { type Container, readContainer } from '../../containerizer/container/catalogue.js';
import { tellContainer } from '../../containerizer/events/tell.js';
import {
  type HealthDocument,
  type HealthFinding,
  readHealth,
  recordHealth,
} from '../../containerizer/keeping/health-record.js';
import type { HealthCommand } from '../../containerizer/keeping/wishes.js';
import type { Roots } from '../../state/roots.js';
import { runInContainer } from '../checks/command-run.js';
import { KeptOutput } from '../checks/kept-output.js';
import { type Finding, Unanswered } from '../checks/probe.js';
import { RepeatedProbe } from '../checks/repeated-probe.js';
import type { Timers } from '../checks/timers.js';

/** Findings that are kept, as Docker has it. */
const longestLog = 5;

type Known = Omit<HealthDocument, 'format' | 'run'>;

/** What is known after one more finding. @param early The container has only just started. */
export function nextHealth(
  before: Known,
  { retries }: Pick<HealthCommand, 'retries'>,
  finding: Known['log'][number],
  early: boolean,
): Known {
  const log = [...before.log, finding].slice(-longestLog);
  if (finding.exit_code === 0) return { status: 'healthy', failing_streak: 0, log };
  if (early && before.status === 'starting') return { ...before, log };
  const failing_streak = before.failing_streak + 1;
  return { status: failing_streak >= retries ? 'unhealthy' : before.status, failing_streak, log };
}

/** Asks after the health of a container while it runs, and records what is found. */
export function watchHealth(
  roots: Roots,
  { document, process }: Container,
  wanted: HealthCommand,
  timers: Timers,
  onDefect: (error: unknown) => void,
): RepeatedProbe {
  const { id } = document;
  const run = process?.started_at ?? '';
  let known: Known = readHealth(roots, id, run) ?? { status: 'starting', failing_streak: 0, log: [] };
  recordHealth(roots, id, { run, ...known });
  let began = run;
  let output: KeptOutput | undefined;
  const tell = (found: Finding | Unanswered) => {
    const early = Date.now() - Date.parse(run) < wanted.start_period * 1000;
    const { status } = known;
    const at = new Date().toISOString();
    const finding = { started_at: began, at, output: output?.text ?? '', ...findingOf(found) };
    known = nextHealth(known, wanted, finding, early);
    recordHealth(roots, id, { run, ...known });
    if (known.status !== status) tellContainer(roots, document, 'health_status', { status: known.status });
  };
  const probe = async (signal: AbortSignal): Promise<Finding | undefined> => {
    began = new Date().toISOString();
    output = undefined;
    // Nothing can be found out while it is held.
    if (readContainer(roots, id)?.paused !== false) return undefined;
    output = new KeptOutput();
    const exitCode = await runInContainer(roots, id, { value: wanted.command }, signal, output);
    return { type: 'COMMAND', exitCode };
  };
  const [interval, timeout] = [wanted.interval * 1000, wanted.timeout * 1000];
  return new RepeatedProbe(probe, { delay: interval, interval, timeout }, timers, tell, onDefect);
}

function findingOf(found: Finding | Unanswered): Pick<HealthFinding, 'exit_code' | 'message'> {
  if (found instanceof Unanswered) return { exit_code: null, message: found.message };
  return { exit_code: found.type === 'COMMAND' ? found.exitCode : null, message: null };
}
