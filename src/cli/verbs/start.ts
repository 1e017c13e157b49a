import { findContainer } from '../../containerizer/container/catalogue.js';
import { readRequest } from '../../containerizer/container/kept-request.js';
import { reasonOf } from '../../containerizer/container/oom.js';
import { sweepShared } from '../../containerizer/container/shared-sweep.js';
import { startContainer } from '../../containerizer/container/start.js';
import { defaultDetachKeys, detachKeys } from '../detach-keys.js';
import { forEachContainer } from '../each-container.js';
import { Foreground } from '../foreground.js';
import { usageError } from '../report.js';
import type { Context, Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Start containers that were created, or have ended',
  example: 'berth start -a web',
  declare(command) {
    command
      .argument('<id...>', 'ids or names')
      .option('-a, --attach', 'stay with it: its output comes here, and its status is the status')
      .option('-i, --interactive', 'the same, and what is typed or piped here reaches one made with -i');
  },
  async run(context, wanted, { attach, interactive }) {
    const { roots } = context;
    const [only = '', ...more] = wanted;
    const stay = attach === true || interactive === true;
    if (stay && more.length > 0)
      throw usageError('-a', 'only one container can be stayed with', 'Start the others without -a.');
    try {
      if (stay) return await startAndStay(context, only, interactive === true);
      return await forEachContainer(context, wanted, async (id) => {
        const container = await startContainer(roots, findContainer(roots, id), {
          client: null,
          onWarning: warn(context),
        });
        container?.release();
      });
    } finally {
      sweepShared(roots);
    }
  },
};

const warn = (context: Context) => (text: string) => context.note(`berth: ${text}`);

async function startAndStay(context: Context, wanted: string, interactive: boolean): Promise<number> {
  const { roots } = context;
  const found = findContainer(roots, wanted);
  const { terminal = false, input = false } = readRequest(roots, found.document.id)?.options ?? {};
  const foreground = new Foreground({
    others: true,
    terminal,
    input: input && interactive,
    signals: true,
    detachKeys: detachKeys(defaultDetachKeys),
  });
  const client = foreground.client();
  foreground.begin();
  try {
    const container = await startContainer(roots, found, { client, onWarning: warn(context) });
    if (container === undefined)
      throw usageError(wanted, 'it runs already', `Stay with it: berth attach ${wanted}.`);
    return await foreground.follow(container, (exit) =>
      exit.oom_killed ? `container ${container.id}: ${reasonOf(exit)}` : undefined,
    );
  } finally {
    foreground.end();
  }
}
