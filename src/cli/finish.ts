import type { ExitDocument } from '../containerizer/container/document.js';
import { execFailure } from '../containerizer/container/exec.js';
import { type LaunchFailure, parseLine } from '../containerizer/container/leash.js';
import { outputLost } from './foreground.js';
import { write } from './output.js';
import { report } from './report.js';

/** What native/front leaves to be told: it has no words of its own for what goes wrong. */
type Ending =
  | { kind: 'exec-failed'; name: string; image: string; failure: LaunchFailure | null }
  | { kind: 'undelivered'; line: string; exit: ExitDocument }
  | { kind: 'print'; verb: string; text: string };

/** Tells how a command of the front ended, as if it had been done here; resolves to its status. */
export function finish(json: string): number {
  const ending = JSON.parse(json) as Ending;
  try {
    return tell(ending);
  } catch (error) {
    return report(error, ending.kind === 'print' ? ending.verb : 'exec');
  }
}

function tell(ending: Ending): number {
  switch (ending.kind) {
    case 'exec-failed':
      throw execFailure(ending, ending.failure ?? undefined);
    case 'undelivered': {
      const line = parseLine(`undelivered ${ending.line}`);
      if (line.kind === 'undelivered') throw outputLost(line, ending.exit);
      return ending.exit.status;
    }
    case 'print':
      write(1, ending.text);
      return 0;
  }
}
