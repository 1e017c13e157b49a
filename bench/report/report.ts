import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type BenchDocument, type Series, significant } from '../row.js';
import { barPlot, escaped } from './plot.js';

/** Writes `NAME.html`, which needs no other file, and `NAME.json` beside it. Returns the path of the page. */
export function writeReport(directory: string, name: string, document: BenchDocument): string {
  mkdirSync(directory, { recursive: true });
  const page = path.resolve(directory, `${name}.html`);
  writeFileSync(page, htmlPage(name, document));
  writeFileSync(path.resolve(directory, `${name}.json`), `${JSON.stringify(document, null, 2)}\n`);
  return page;
}

function htmlPage(name: string, { rows, details }: BenchDocument): string {
  const { host, versions, skipped, series } = details;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>berth: ${escaped(name)}</title>
<style>
body { font: 14px/1.5 sans-serif; max-width: 60em; margin: 2em auto; color: #1b1f24 }
table { border-collapse: collapse } td, th { padding: 0.2em 0.8em; text-align: right; border-bottom: 1px solid #d0d7de }
td:nth-child(-n+2), th:nth-child(-n+2) { text-align: left }
</style>
</head>
<body>
<h1>berth bench ${escaped(name)}</h1>
<p>Medians; blue is berth. Below × 1, berth takes less; of a rate (1/s) more is better. Each pair of bars has a scale of its own.</p>
${barPlot(rows)}
<h2>Every series</h2>
<table>
<tr><th>what</th><th>who</th><th>samples</th><th>median</th><th>min</th><th>p90</th><th>unit</th></tr>
${series.map(seriesRow).join('\n')}
</table>
<h2>Where</h2>
<p>${escaped(`Linux ${host.kernel}, ${host.cpus} × ${host.cpu_model}, Node ${host.node}, load ${host.load_average.toFixed(2)} at the start.`)}</p>
<p>${escaped(`${programs.join(', ')}.`)}</p>
${skipped.map(({ peer, reason }) => `<p>${escaped(`Skipped ${peer}: ${reason}.`)}</p>`).join('\n')}
</body>
</html>
`;
}

function seriesRow({ name, subject, samples, median, min, p90, unit }: Series): string {
  const figures = [samples, ...[median, min, p90].map(significant)];
  return `<tr>${[name, subject, ...figures, unit].map((cell) => `<td>${escaped(String(cell))}</td>`).join('')}</tr>`;
}
