import path from 'node:path';
import { Authentication, type PeerOwner } from '../../http/authentication.js';
import { Authorization } from '../../http/authorization.js';
import { localPeer } from '../../http/peer-owner.js';
import { ApiServer } from '../../http/server.js';
import type { Roots } from '../../state/roots.js';
import type { Agent } from '../agent.js';
import { openDoors } from '../executor/doors.js';
import { withExecutors } from '../executor/guests.js';
import { SandboxFiles } from '../files/sandbox-files.js';
import { taskKey } from '../task/task.js';
import { operatorCalls } from './calls.js';
import { ContainerTexts } from './container-texts.js';
import type { ApiExtension } from './extension.js';
import { History } from './history.js';
import { KnownContainers } from './known-containers.js';
import { addPages } from './pages.js';
import { StateText } from './state-text.js';
import { StatisticsBoard } from './statistics-board.js';
import { StatisticsUpkeep } from './statistics-upkeep.js';
import { Watchers } from './watchers.js';

export interface ApiOptions {
  peerOwner: PeerOwner;
  extensions: readonly ApiExtension[];
}

export interface AgentApi {
  readonly port: number;
  close(): Promise<void>;
}

/** Bytes of the longest call, and milliseconds in which it must have come. */
const bodyLimit = 32 * 1024 * 1024;
const bodyTimeout = 60_000;
/** Connections that may wait to be taken. */
const backlog = 512;

export const agentSocket = (roots: Roots) => path.join(roots.state, 'agent', 'agent.sock');

/** The agent's own HTTP server: on its address, and on a local socket that is its user's alone. */
export async function startApi(agent: Agent, { peerOwner, extensions }: ApiOptions): Promise<AgentApi> {
  const { config, roots } = agent;
  const authentication: Authentication = new Authentication(
    config.credentials,
    peerOwner,
    process.getuid?.() ?? 0,
    { holds: (socket) => server.isLocal(socket), peer: localPeer },
  );
  const server: ApiServer = new ApiServer({
    authentication: withExecutors(agent, authentication, (socket) => server.isApart(socket)),
    authorization: new Authorization(config.permissions),
    certificates: agent.parts.certificates,
    bodyLimit,
    bodyTimeout,
    backlog,
    onDefect: (error) => agent.defect(error),
  });
  const history = new History(agent);
  const context = {
    agent,
    files: new SandboxFiles(roots, config.sandboxes, () => agent.id ?? '', {
      nested: (root, folders) => agent.nested.inFolders(root, folders),
      task: ({ frameworkId, executorId }, id) => {
        const task = agent.tasks.get(taskKey(frameworkId, id)) ?? history.find(frameworkId, id);
        return task?.executorId === executorId ? agent.placeOf(task) : undefined;
      },
    }),
    history,
    watchers: new Watchers(agent),
    statistics: new StatisticsBoard(),
    stateText: new StateText(),
    containerTexts: new ContainerTexts(),
    containers: new KnownContainers(agent),
    startTime: Date.now() / 1000,
  };
  const upkeep = new StatisticsUpkeep(agent, context.containers, context.statistics);
  server.calls(['/api/v1', '/slave(1)/api/v1'], operatorCalls(context, extensions));
  addPages(context, server);
  for (const { routes } of extensions) routes?.(server);
  const port = await server.listen(config.host, config.port);
  const place = agentSocket(roots);
  if (!(await server.listenLocally(place)))
    agent.note(`no local socket: ${place} is longer than such a name may be`);
  await openDoors(agent, server);
  return {
    port,
    async close() {
      context.watchers.end();
      upkeep.close();
      await server.close();
    },
  };
}
