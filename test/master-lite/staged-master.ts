import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { layoutOfHost } from '../../src/containerizer/container/cgroup-places.js';
import type { PeerOwner } from '../../src/http/authentication.js';
import { peerOwner } from '../../src/http/peer-owner.js';
import { defaultConfig, type MasterConfig } from '../../src/master-lite/config.js';
import { type Master, masterState, startMaster } from '../../src/master-lite/master.js';
import { EmbeddedStore } from '../../src/state/store/embedded-store.js';
import { freePort } from '../fixtures/free-port.js';
import { EmulatedAgent, type EmulatedAgentOptions } from './emulated-agent.js';

/** What a test lends. */
export interface Test {
  after(call: () => Promise<void> | void): void;
  fail(message: string): void;
}

/** A master in this process, and emulated agents; all is gone after the test. */
export class StagedMaster {
  readonly agents: EmulatedAgent[] = [];

  private constructor(
    private readonly folder: string,
    private readonly config: Partial<MasterConfig>,
    private readonly t: Test,
    private readonly owner: PeerOwner,
    public master: Master,
  ) {}

  /** `checked`: the kernel is asked whose each connection is; else `owner` says it. */
  static async open(
    t: Test,
    config: Partial<MasterConfig> = {},
    checked = false,
    owner: PeerOwner = checked ? (socket) => peerOwner(socket, layoutOfHost().unified) : () => 0,
  ): Promise<StagedMaster> {
    const folder = mkdtempSync(path.join(tmpdir(), 'berth-master-'));
    // It is to be the same after a restart.
    const master = await start(t, folder, config, await freePort(), owner);
    const staged = new StagedMaster(folder, config, t, owner, master);
    t.after(async () => {
      for (const agent of staged.agents) agent.stop();
      await staged.master.close();
      rmSync(folder, { recursive: true, force: true });
    });
    return staged;
  }

  get url(): string {
    return this.master.url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  agent(options: Partial<EmulatedAgentOptions> = {}): EmulatedAgent {
    const port = 20_000 + this.agents.length;
    const hostname = `host${this.agents.length}`;
    const agent = new EmulatedAgent({ master: this.url, hostname, port, ...options }).connect();
    this.agents.push(agent);
    return agent;
  }

  /** The master ends and another takes its state and its place. */
  async restart(): Promise<void> {
    const { port } = this;
    await this.master.close();
    this.master = await start(this.t, this.folder, this.config, port, this.owner);
  }
}

function start(
  t: Test,
  folder: string,
  config: Partial<MasterConfig>,
  port: number,
  owner: PeerOwner,
): Promise<Master> {
  return startMaster(
    { ...defaultConfig, hostname: 'localhost', folder, ...config, port },
    {
      openStore: (options) =>
        EmbeddedStore.open(path.join(folder, 'store'), { ...options, owner: masterState }),
      peerOwner: owner,
      onDefect: (error) => t.fail(error instanceof Error ? (error.stack ?? error.message) : String(error)),
      onStoreFailure: (error) => t.fail(`the store failed: ${error.message}`),
    },
  );
}

/** Waits until something holds. */
export async function until(what: string, holds: () => boolean, seconds = 30): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`never came to be: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
