import { InvalidArgumentError } from 'commander';
import { findContainer } from '../../containerizer/container/catalogue.js';
import { stopContainer } from '../../containerizer/container/stop.js';
import { forEachContainer } from '../each-container.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'End containers: their stop signal, and after a while SIGKILL',
  example: 'berth stop -t 5 web',
  declare(command) {
    command
      .argument('<id...>', 'ids or names')
      .option('-t, --time <seconds>', 'how long to wait before SIGKILL', seconds, 10);
  },
  run(context, wanted, { time }) {
    return forEachContainer(context, wanted, async (id) => {
      await stopContainer(context.roots, findContainer(context.roots, id), { graceSeconds: Number(time) });
    });
  },
};

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 86_400) return value;
  throw new InvalidArgumentError('It is a number of seconds from 0 to 86400.');
}
