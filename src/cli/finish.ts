import { cgroupPlaces } from '../containerizer/container/cgroup-places.js';
import type { ExitDocument } from '../containerizer/container/document.js';
import { execFailure } from '../containerizer/container/exec.js';
import { removeFolders } from '../containerizer/container/folders.js';
import { endOfLost, silentSupervisor } from '../containerizer/container/launch.js';
import { explainFailure } from '../containerizer/container/launch-error.js';
import { type LaunchFailure, parseLine } from '../containerizer/container/leash.js';
import { removeCgroups } from '../containerizer/container/settle.js';
import { sweepShared } from '../containerizer/container/shared-sweep.js';
import type { Roots } from '../state/roots.js';
import { outputLost } from './foreground.js';
import { write } from './output.js';
import { report } from './report.js';
import { announceOrRemove, reasonToTell } from './verbs/run.js';

/** What native/front leaves to be told and cleared up: it has no words of its own for what goes wrong. */
type Ending = { verb: string } & (
  | { kind: 'exec-failed'; name: string; image: string; failure: LaunchFailure | null }
  | { kind: 'launch-failed'; image: string; failure: LaunchFailure }
  /** The supervisor was killed before it had said anything. */
  | { kind: 'silent'; roots: Roots; id: string }
  /** It was killed while the program ran. */
  | { kind: 'lost'; roots: Roots; id: string }
  /** `undelivered`: as the supervisor told it. */
  | { kind: 'ended'; id: string | null; exit: ExitDocument; undelivered: string | null }
  | { kind: 'announce'; roots: Roots; id: string; pid: number; json: boolean }
  | { kind: 'print'; text: string }
);

/** Tells how a command of the front ended, as if it had been done here; resolves to its status. */
export async function finish(json: string): Promise<number> {
  const ending = JSON.parse(json) as Ending;
  try {
    return await tell(ending);
  } catch (error) {
    return report(error, ending.verb);
  } finally {
    if ('roots' in ending) sweepShared(ending.roots);
  }
}

async function tell(ending: Ending): Promise<number> {
  switch (ending.kind) {
    case 'exec-failed':
      throw execFailure(ending, ending.failure ?? undefined);
    case 'launch-failed':
      throw explainFailure(ending.failure, ending.image);
    case 'silent':
      removeCgroups({ document: { cgroup_places: cgroupPlaces(ending.roots, ending.id) } });
      removeFolders(ending.roots, { id: ending.id, name: ending.id });
      throw silentSupervisor(ending.id);
    case 'lost':
      return tellEnd(ending.id, endOfLost(ending.roots, ending.id), null);
    case 'ended':
      return tellEnd(ending.id, ending.exit, ending.undelivered);
    case 'announce': {
      const out = (text: string) => write(1, text);
      await announceOrRemove({ roots: ending.roots, json: ending.json, out }, ending);
      return 0;
    }
    case 'print':
      write(1, ending.text);
      return 0;
  }
}

function tellEnd(id: string | null, exit: ExitDocument, undelivered: string | null): number {
  const reason = id === null ? undefined : reasonToTell(id, exit);
  if (reason !== undefined) write(2, `berth: ${reason}\n`);
  const line = undelivered === null ? undefined : parseLine(`undelivered ${undelivered}`);
  if (line?.kind === 'undelivered') throw outputLost(line, exit);
  return exit.status;
}
