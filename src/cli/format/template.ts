import { usageError } from '../report.js';
import { callFunction } from './functions.js';
import { type Action, type Node, parseTemplate, type Term } from './parser.js';
import { isTrue, shown } from './value.js';

/**
 * What `--format` takes: the part of Go's text/template that users of Docker write. Members by name, `range`, `if`, `with`, `else`, variables of `range`, pipelines, and the functions of
 * functions.ts. The text comes from the command line; what is looked up is data alone.
 */
export class Template {
  readonly #nodes: Node[];
  /** `table …`: the first line tells what the columns are. */
  readonly table: boolean;
  readonly #text: string;

  constructor(text: string) {
    this.table = /^table\s/.test(text);
    this.#text = text
      .replace(/^table\s+/, '')
      .replace(/\\([tn])/g, (_, letter) => (letter === 't' ? '\t' : '\n'));
    this.#nodes = parseTemplate(this.#text);
  }

  /** Of one thing, without a newline at its end. */
  render(data: unknown): string {
    return this.#all(this.#nodes, { dot: data, root: data, variables: new Map() });
  }

  /** The names that a table has above its columns: the last member of each. */
  heading(): string {
    return this.#text.replace(/\{\{.*?\}\}/gs, (action) =>
      (/\.(\w+)(?!.*\.\w)/.exec(action)?.[1] ?? '').toUpperCase(),
    );
  }

  #all(nodes: readonly Node[], scope: Scope): string {
    return nodes.map((node) => this.#one(node, scope)).join('');
  }

  #one(node: Node, scope: Scope): string {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'print':
        return shown(this.#value(node.action, scope));
      case 'if':
        return this.#all(isTrue(this.#value(node.action, scope)) ? node.then : node.otherwise, scope);
      case 'with': {
        const dot = this.#value(node.action, scope);
        return isTrue(dot) ? this.#all(node.then, { ...scope, dot }) : this.#all(node.otherwise, scope);
      }
      case 'range': {
        const over = this.#value(node.action, scope);
        const entries = over === null || over === undefined ? [] : Object.entries(over);
        if (entries.length === 0) return this.#all(node.otherwise, scope);
        return entries
          .map(([key, dot]) => {
            const variables = new Map(scope.variables);
            const [first, second] = node.variables;
            if (second !== undefined && first !== undefined)
              variables.set(first, Array.isArray(over) ? Number(key) : key);
            const valued = second ?? first;
            if (valued !== undefined) variables.set(valued, dot);
            return this.#all(node.then, { ...scope, dot, variables });
          })
          .join('');
      }
    }
  }

  /** A pipeline: each command has the value of the one before as its last argument. */
  #value(action: Action, scope: Scope): unknown {
    let piped: unknown[] = [];
    for (const command of action) piped = [this.#command(command, piped, scope)];
    return piped[0];
  }

  #command([head, ...rest]: Term[], piped: unknown[], scope: Scope): unknown {
    if (head === undefined) throw usageError('--format', 'a command is missing in {{}}', help);
    const args = [...rest.map((term) => this.#term(term, scope)), ...piped];
    if (head.kind === 'word') return callFunction(head.name, args);
    const value = this.#term(head, scope);
    if (typeof value === 'function') return value(...args);
    if (args.length > 0) throw usageError('--format', 'what is not a function has no arguments', help);
    return value;
  }

  #term(term: Term, scope: Scope): unknown {
    switch (term.kind) {
      case 'literal':
        return term.value;
      case 'word':
        return callFunction(term.name, []);
      case 'nested':
        return memberOf(this.#value(term.action, scope), term.path);
      case 'variable': {
        const start = term.name === '' ? scope.root : scope.variables.get(term.name);
        if (term.name !== '' && !scope.variables.has(term.name))
          throw usageError('--format', `there is no variable $${term.name}`, help);
        return memberOf(start, term.path);
      }
      case 'member':
        return memberOf(scope.dot, term.path);
    }
  }
}

interface Scope {
  dot: unknown;
  root: unknown;
  variables: ReadonlyMap<string, unknown>;
}

const help = "For example: --format '{{.name}} {{.state}}', or --format '{{json .labels}}'.";

/** Members whose own members are whatever people have named: one that is not there is empty, and no mistake. */
const maps = /^(labels|annotations|attributes|containers|networks|ports|sysctls|exposedports|volumes)$/i;

function memberOf(start: unknown, path: readonly string[]): unknown {
  let value = start;
  let last = '';
  for (const name of path) {
    if (value === null || value === undefined) return value;
    const found = typeof value === 'object' && !Array.isArray(value);
    if (!found || !Object.hasOwn(value as object, name)) {
      if (found && maps.test(last)) return undefined;
      const known = found ? `; it has ${Object.keys(value as object).join(', ')}` : '';
      throw usageError(`--format .${path.join('.')}`, `there is no member ${name}${known}`, help);
    }
    value = (value as Record<string, unknown>)[name];
    last = name;
  }
  return value;
}
