import { closeSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { attachTo, stdioOf } from '../../containerizer/container/attach.js';
import { type Container, readContainer } from '../../containerizer/container/catalogue.js';
import { execInContainer } from '../../containerizer/container/exec.js';
import { BerthError } from '../../errors/berth-error.js';
import { HttpError } from '../../http/http-error.js';
import type { CommandInfo, ContainerID, ContainerInfo } from '../../mesos/messages.js';
import { currentBootId, isAlive } from '../../state/live-process.js';
import type { Agent } from '../agent.js';
import { programOf } from '../checks/command-run.js';
import { killSession } from '../checks/session.js';
import { holderOf } from '../nested/holder.js';
import { type FarEnds, type Session, Streams } from './session.js';

const { SIGKILL } = constants.signals;
/** Milliseconds in which somebody may ask how a session has ended. */
const remembered = 10 * 60_000;
const table = 'session';

interface SessionRecord {
  pid: number;
  start_time: number;
  boot_id: string;
}

/** The programs that clients of the API are connected to. */
export class Sessions {
  /** Those that were sent in, by their own ids; for a while also after their end. */
  private readonly sent = new Map<string, Session>();
  /** First processes of containers whose input somebody gives. */
  private readonly fed = new Map<string, Session>();

  constructor(private readonly agent: Agent) {
    this.endLeftBehind();
  }

  find(id: string): Session | undefined {
    return this.sent.get(id);
  }

  /** A container of a task or of an executor of this agent, or one below these. Throws HttpError 404. */
  container(id: ContainerID): Container {
    const known = holderOf(this.agent, id)?.containerId;
    const container = known === undefined ? undefined : readContainer(this.agent.roots, known);
    if (container === undefined) throw new HttpError(404, `Container ${id.value} cannot be found`);
    return container;
  }

  /** Sends a program into the container that is the id's parent. */
  async launch(
    { value: id, parent }: ContainerID,
    command: CommandInfo,
    info: ContainerInfo | undefined,
  ): Promise<Session> {
    if (parent === undefined) throw new HttpError(400, "Expecting 'container_id.parent' to be present");
    if (!/^[\w.-]{1,255}$/.test(id)) throw new HttpError(400, `'${id}' is no id of a container`);
    const container = this.container(parent);
    const terminal = info?.tty_info !== undefined;
    const size = info?.tty_info?.window_size;
    const { streams, far } = Streams.open();
    try {
      const program = await execInContainer(this.agent.roots, container, {
        options: { ...programOf(command), terminal, input: true, privileged: false },
        client: {
          ...far,
          ...(size !== undefined && { size: { height: size.rows, width: size.columns } }),
        },
      });
      program.release();
      const session: Session = {
        ...{ id, streams, terminal },
        ended: program.ended,
        exit: undefined,
        fed: false,
        resize: program.resize,
        signal: (number) => (number === SIGKILL ? killSession(program.pid) : program.signal(number)),
        leave() {
          if (session.exit === undefined) killSession(program.pid);
          streams.destroy();
        },
      };
      this.keep(session, program.pid);
      return session;
    } catch (error) {
      streams.destroy();
      if (error instanceof BerthError)
        throw new HttpError(error.code === 'CONTAINER_STATE' ? 400 : 500, error.message, {
          // By which berth itself tells a command that is not there from other failures.
          'Berth-Error': error.code,
        });
      throw error;
    } finally {
      close(far);
    }
  }

  /** A connection to the first process of a container, beside others. `input`: what it is given goes to it. */
  async attach(container: Container, input: boolean): Promise<Session> {
    const { roots } = this.agent;
    const { id } = container.document;
    const { streams, far } = Streams.open();
    try {
      const stdio = stdioOf(roots, container);
      if (input && !stdio.input) throw new HttpError(400, `Container ${id} takes no input`);
      const attached = await attachTo(
        roots,
        container,
        // Who only gives input hears nothing, and the program waits for none who is attached.
        input ? { stdin: far.stdin, stdout: -1, stderr: -1 } : { stdout: far.stdout, stderr: far.stderr },
      );
      const session: Session = {
        ...{ id, streams, terminal: stdio.terminal },
        ended: attached.ended,
        exit: undefined,
        fed: false,
        resize: attached.resize,
        signal: attached.signal,
        leave() {
          attached.release();
          streams.destroy();
        },
      };
      void attached.ended.then(
        (exit) => {
          session.exit = exit;
        },
        () => {},
      );
      return session;
    } catch (error) {
      streams.destroy();
      if (error instanceof BerthError) throw new HttpError(400, error.message);
      throw error;
    } finally {
      close(far);
    }
  }

  /** Whose input a client gives: nobody else does meanwhile. Throws HttpError 404 or 409. */
  async feed(id: ContainerID): Promise<Session> {
    const sent = this.sent.get(id.value);
    if (sent?.fed === true || this.fed.has(id.value))
      throw new HttpError(409, 'Multiple input connections are not allowed');
    if (sent !== undefined) {
      sent.fed = true;
      return sent;
    }
    const session = await this.attach(this.container(id), true);
    if (this.fed.has(id.value)) {
      session.leave();
      throw new HttpError(409, 'Multiple input connections are not allowed');
    }
    this.fed.set(id.value, session);
    return session;
  }

  unfeed(session: Session): void {
    session.fed = false;
    if (this.fed.get(session.id) !== session) return;
    this.fed.delete(session.id);
    session.leave();
  }

  /** Throws HttpError 400: it runs. */
  remove(id: string): void {
    const session = this.sent.get(id);
    if (session !== undefined && session.exit === undefined)
      throw new HttpError(400, `Container ${id} has not terminated yet`);
    this.sent.delete(id);
  }

  private keep(session: Session, pid: number): void {
    const { store } = this.agent.records;
    const { id } = session;
    this.sent.set(id, session);
    store.put(table, id, { pid, start_time: startOf(pid), boot_id: currentBootId() } satisfies SessionRecord);
    const ended = (exit: ExitOf) => {
      session.exit = exit;
      setTimeout(() => {
        if (this.sent.get(id) === session) this.sent.delete(id);
      }, remembered).unref();
      if (!this.agent.closed) store.delete(table, id);
    };
    session.ended.then(ended, (error) => this.agent.defect(error));
  }

  /** Programs of clients that had an agent which was killed: nobody hears them any more. */
  private endLeftBehind(): void {
    const { store } = this.agent.records;
    for (const [name, document] of store.recovered()) {
      if (!name.startsWith(`${table}/`)) continue;
      const { pid, start_time, boot_id } = document as SessionRecord;
      if (isAlive({ pid, start_time }, boot_id)) killSession(pid);
      store.delete(table, name.slice(table.length + 1));
    }
  }
}

type ExitOf = Awaited<Session['ended']>;

function close({ stdin, stdout, stderr }: FarEnds): void {
  for (const fd of [stdin, stdout, stderr]) closeSync(fd);
}

/** 0: it has ended already. */
function startOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return 0;
    throw error;
  }
}
