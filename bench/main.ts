import { parseArgs } from 'node:util';
import { write } from '../src/cli/output.js';
import { report, usageError } from '../src/cli/report.js';
import { table } from '../src/cli/table.js';
import { containerIds } from '../src/containerizer/host/id-range.js';
import { BerthError } from '../src/errors/berth-error.js';
import { benchAgent } from './agent.js';
import { benchDensity } from './density.js';
import { benchLaunch } from './launch.js';
import { benchMaster } from './master.js';
import { writeReport } from './report/report.js';
import type { Row } from './row.js';
import { benchUnpack } from './unpack.js';

const note = (text: string) => write(2, `${text}\n`);

const benchmarks = {
  launch: benchLaunch,
  density: benchDensity,
  unpack: benchUnpack,
  master: benchMaster,
  agent: benchAgent,
};

/** `./dev bench launch` and `berth bench launch`. Stdout has the rows, or with --json the document, and nothing else. */
async function main(argv: string[]): Promise<void> {
  const { values, positionals } = parse(argv);
  const [name = '', ...rest] = positionals;
  if (rest.length > 0 || !Object.hasOwn(benchmarks, name)) {
    const names = Object.keys(benchmarks).join(', ');
    throw usageError('bench', `there are these benchmarks: ${names}`, 'See berth bench launch --help.');
  }
  if (process.geteuid?.() !== 0) {
    throw new BerthError('NOT_ROOT', {
      what: 'bench',
      why: 'containers are started by root',
      mend: 'Run it as root.',
    });
  }
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupt.abort());
  const count = countOf(values.count ?? (values.quick ? '20' : '1000'));
  const options = { quick: values.quick, count, signal: interrupt.signal, note };
  const document = await benchmarks[name as keyof typeof benchmarks](options);
  write(1, values.json ? `${JSON.stringify(document)}\n` : rowsTable(document.rows));
  if (values.report !== undefined) note(`report: ${writeReport(values.report, name, document)}`);
}

/** Of containers at once: as many as there are ranges of ids for. */
function countOf(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= containerIds.count) return count;
  throw usageError(
    'bench',
    `--count ${text}: must be a number from 1 to ${containerIds.count}`,
    'See berth bench density --help.',
  );
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        count: { type: 'string' },
        report: { type: 'string' },
      },
    });
  } catch (error) {
    throw usageError('bench', (error as Error).message, 'See berth bench launch --help.');
  }
}

function rowsTable(rows: readonly Row[]): string {
  const columns = [
    { header: 'NAME' },
    { header: 'BERTH', align: 'right' as const },
    { header: 'PEER', align: 'right' as const },
    { header: 'UNIT' },
    { header: 'RATIO', align: 'right' as const },
    { header: 'BESIDE' },
  ];
  const number = (value: number | null) => (value === null ? '-' : String(value));
  return table(
    columns,
    rows.map((row) => [
      row.name,
      number(row.ours),
      number(row.peer_value),
      row.unit,
      number(row.ratio),
      row.peer ?? '-',
    ]),
  );
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof Error && error.name === 'AbortError') {
    note('berth: bench: interrupted');
    process.exitCode = 130;
  } else {
    process.exitCode = report(error, 'bench');
  }
});
