// Runs the test files that BERTH_GUEST_TESTS names, one a line, in this one process: in a guest, starting Node is what costs most.
// Not by arguments: tap makes one file name of them all for a test's folder, and that would be too long.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';

for (const file of (process.env.BERTH_GUEST_TESTS ?? '').split('\n')) {
  t.comment(file);
  await import(pathToFileURL(path.resolve(file)).href);
}
