// Counts up in a store for as long as it lives, and prints each number once it is durable: `node store-writer.js FOLDER FROM`.
import { EmbeddedStore } from '../../src/state/store/embedded-store.js';

const [folder = '', from = '0'] = process.argv.slice(2);
const store = await EmbeddedStore.open(folder, {
  owner: { code: 'MASTER_STATE', name: 'writer', mend: '' },
  onFailure(error) {
    throw error;
  },
  onDefect(error) {
    throw error;
  },
});
let number = Number(from);
const next = () => {
  number++;
  const mine = number;
  store.put('t', 'number', mine);
  store.put('t', 'mirror', mine);
  store.flushed(() => {
    process.stdout.write(`${mine}\n`);
    setImmediate(next);
  });
};
for (let i = 0; i < 3; i++) next();
