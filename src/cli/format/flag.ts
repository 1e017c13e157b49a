import { Option } from 'commander';
import { table } from '../table.js';
import { Template } from './template.js';

/** What `--format` said: `json` is the same as `--json`. */
export type Format = 'json' | Template;

export function formatFlag(flags = '--format <template>'): Option {
  return new Option(
    flags,
    "json, or a template as Docker has them, e.g. '{{.name}} {{.state}}': members of --json, and Docker's own names",
  ).argParser((text) => (text === 'json' ? text : new Template(text)));
}

/** A line for each thing; with `table` before the template in columns, where it has tabs, below their names. */
export function formatted(template: Template, things: readonly unknown[]): string {
  const lines = things.map((thing) => template.render(thing));
  if (!template.table) return lines.map((line) => `${line}\n`).join('');
  const columns = template.heading().split('\t');
  return table(
    columns.map((header) => ({ header })),
    lines.map((line) => line.split('\t')),
  );
}
