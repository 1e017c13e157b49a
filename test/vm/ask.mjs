// ask.mjs monitor|commands SOCKET TEXT: one question to a guest's QEMU (its human monitor protocol) or to the shell that init
// runs in it, and the answer. The shell's ends with a line `TOKEN STATUS`, and this process with that status.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const [kind, path, text] = process.argv.slice(2);
const token = randomBytes(8).toString('hex');
const prompt = Buffer.from('(qemu) ');
const socket = connect(path);
socket.on('error', (error) => fail(error.message));
socket.on('end', () => fail('the guest ended'));

function fail(message) {
  process.stderr.write(`ask: ${message}\n`);
  process.exit(125);
}

let held = Buffer.alloc(0);
if (kind === 'monitor') {
  let asked = false;
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    if (!held.subarray(-prompt.length).equals(prompt)) return;
    held = Buffer.alloc(0);
    if (asked) process.exit(0);
    asked = true;
    socket.write(`${text}\n`);
  });
} else {
  const end = new RegExp(`\n${token} (\\d+)\n$`);
  socket.write(`${token} ${Buffer.from(text).toString('base64')}\n`);
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    const found = end.exec(held.toString('latin1'));
    // What could be the beginning of the last line is kept back.
    const ready = found === null ? Math.max(0, held.length - token.length - 8) : found.index;
    process.stdout.write(held.subarray(0, ready));
    held = held.subarray(ready);
    if (found !== null) process.exitCode = Number(found[1]);
    if (found !== null) socket.destroy();
  });
}
