import { spawn } from 'node:child_process';
import { berthCommand } from '../cli/berth.js';

/** `berth` to its end, beside this process, in which a master may run. */
export async function berth(environment: Record<string, string>, ...args: string[]) {
  const [file = '', ...rest] = berthCommand;
  const child = spawn(file, [...rest, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (part: Buffer) => out.push(part));
  child.stderr.on('data', (part: Buffer) => err.push(part));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const stdout = Buffer.concat(out).toString();
  return { status, stdout, stderr: Buffer.concat(err).toString(), json: () => JSON.parse(stdout) as unknown };
}
