// Runs the test files it is given in this one process: in a guest, starting Node is what costs most.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';

for (const file of process.argv.slice(2)) {
  t.comment(file);
  await import(pathToFileURL(path.resolve(file)).href);
}
