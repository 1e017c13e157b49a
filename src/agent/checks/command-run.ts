import { findContainer } from '../../containerizer/container/catalogue.js';
import { execInContainer } from '../../containerizer/container/exec.js';
import { BerthError } from '../../errors/berth-error.js';
import type { CommandInfo } from '../../mesos/messages.js';
import type { Roots } from '../../state/roots.js';
import type { KeptOutput } from './kept-output.js';
import { Unanswered } from './probe.js';
import { killSession } from './session.js';

/** What a CommandInfo comes to: argv, variables, user. */
export function programOf({ shell, value = '', arguments: words = [], environment, user }: CommandInfo) {
  return {
    command:
      (shell ?? true) ? ['/bin/sh', '-c', value] : words.length > 0 ? [value, ...words.slice(1)] : [value],
    env: (environment?.variables ?? []).flatMap((variable) =>
      variable.value === undefined ? [] : [`${variable.name}=${variable.value}`],
    ),
    ...(user === undefined || user === '' ? {} : { user }),
  };
}

/**
 * Runs a command in a container, beside its first process, and resolves to its exit status. When the signal aborts, it is killed with its session. Rejects with Unanswered when
 * it cannot be started. `output`: keeps what it writes; it is over with the promise.
 */
export async function runInContainer(
  roots: Roots,
  id: string,
  command: CommandInfo,
  signal: AbortSignal,
  output?: KeptOutput,
): Promise<number> {
  try {
    const program = await sendIn(roots, id, command, output);
    program.release();
    const kill = () => killSession(program.pid);
    if (signal.aborted) kill();
    else signal.addEventListener('abort', kill);
    const { status } = await program.ended;
    // The pid may be another's from here on.
    signal.removeEventListener('abort', kill);
    await program.gone;
    await output?.whole();
    return status;
  } catch (error) {
    if (error instanceof BerthError) throw new Unanswered(error.message);
    throw error;
  } finally {
    output?.destroy();
  }
}

async function sendIn(roots: Roots, id: string, command: CommandInfo, output: KeptOutput | undefined) {
  try {
    return await execInContainer(roots, findContainer(roots, id), {
      options: { ...programOf(command), terminal: false, input: false, privileged: false },
      client: output?.client ?? null,
    });
  } finally {
    output?.handedOver();
  }
}
