import { usageError } from '../report.js';

/** A command's parts. `nested` stands in brackets; a `variable` without a name is `$`, what was begun with. */
export type Term =
  | { kind: 'literal'; value: string | number | boolean }
  | { kind: 'word'; name: string }
  | { kind: 'member'; path: string[] }
  | { kind: 'variable'; name: string; path: string[] }
  | { kind: 'nested'; action: Action; path: string[] };

/** Commands, each piped into the next. */
export type Action = Term[][];

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'print'; action: Action }
  | { kind: 'if' | 'with'; action: Action; then: Node[]; otherwise: Node[] }
  | { kind: 'range'; variables: string[]; action: Action; then: Node[]; otherwise: Node[] };

type Piece = { text: string } | { action: string };

export function parseTemplate(text: string): Node[] {
  const pieces = [...piecesOf(text)];
  const { nodes, ended } = block(pieces, 0);
  if (ended !== undefined) throw wrong(`{{${ended}}} has no beginning`);
  return nodes;
}

/** Text and actions; `{{-` and `-}}` take the blanks beside them. */
function* piecesOf(text: string): Generator<Piece> {
  let rest = text;
  let trims = false;
  for (;;) {
    const match =
      /\{\{(-(?=\s))?\s*((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`}]|\}(?!\}))*?)\s*((?<=\s)-)?\}\}/s.exec(rest);
    const before = match === null ? rest : rest.slice(0, match.index);
    if (before.includes('{{')) throw wrong('a {{ has no }}');
    const left = trims ? before.trimStart() : before;
    yield { text: match?.[1] === undefined ? left : left.trimEnd() };
    if (match === null) return;
    const action = (match[2] ?? '').trim();
    if (!action.startsWith('/*')) yield { action };
    trims = match[3] !== undefined;
    rest = rest.slice(match.index + match[0].length);
  }
}

/** Up to the `end` or `else` that is its own. */
function block(pieces: Piece[], depth: number): { nodes: Node[]; ended: string | undefined } {
  const nodes: Node[] = [];
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
    if ('text' in piece) {
      if (piece.text !== '') nodes.push({ kind: 'text', text: piece.text });
      continue;
    }
    const [, keyword = '', rest = ''] =
      /^(if|with|range|else|end)?(?![\w.])\s*(.*)$/s.exec(piece.action) ?? [];
    if (keyword === 'end' || keyword === 'else') return { nodes, ended: piece.action };
    if (depth > 20) throw wrong('blocks are nested too deeply');
    if (keyword === 'if' || keyword === 'with' || keyword === 'range')
      nodes.push(opened(keyword, rest, pieces, depth));
    else nodes.push({ kind: 'print', action: actionOf(piece.action) });
  }
  return { nodes, ended: undefined };
}

function opened(kind: 'if' | 'with' | 'range', rest: string, pieces: Piece[], depth: number): Node {
  const [, first, second, over = rest] =
    (kind === 'range' ? /^\$(\w+)(?:\s*,\s*\$(\w+))?\s*:=\s*(.*)$/s.exec(rest) : null) ?? [];
  const variables = [first, second].filter((name) => name !== undefined);
  const action = actionOf(over);
  const { nodes: then, ended } = block(pieces, depth + 1);
  let otherwise: Node[] = [];
  if (ended?.startsWith('else') === true) {
    const again = /^else\s+if\s+(.*)$/s.exec(ended)?.[1];
    if (again !== undefined) otherwise = [opened('if', again, pieces, depth + 1)];
    else {
      const last = block(pieces, depth + 1);
      if (last.ended !== 'end') throw wrong(`{{${kind}}} has no {{end}}`);
      otherwise = last.nodes;
    }
  } else if (ended !== 'end') throw wrong(`{{${kind}}} has no {{end}}`);
  return kind === 'range' ? { kind, variables, action, then, otherwise } : { kind, action, then, otherwise };
}

const token = /("(?:[^"\\]|\\.)*")|`([^`]*)`|(-?\d+(?:\.\d+)?)(?![\w.])|(\$\w*)?((?:\.\w+)+|\.)?/sy;

/** What stands between the braces. */
function actionOf(text: string): Action {
  const { action, at } = commands(text, 0, false);
  if (at < text.length) throw wrong(`{{${text}}}: "${text.slice(at)}" cannot be understood`);
  return action;
}

function commands(text: string, from: number, bracketed: boolean): { action: Action; at: number } {
  const action: Action = [[]];
  let at = from;
  for (;;) {
    at += /^\s*/.exec(text.slice(at))?.[0].length ?? 0;
    const next = text[at];
    if (next === undefined || (bracketed && next === ')')) break;
    if (next === '|') {
      action.push([]);
      at++;
      continue;
    }
    const { term, end } = next === '(' ? nestedTerm(text, at) : plainTerm(text, at);
    if (term === undefined) break;
    action.at(-1)?.push(term);
    at = end;
  }
  if (action.some((command) => command.length === 0)) throw wrong(`{{${text}}}: a command is missing`);
  return { action, at };
}

function nestedTerm(text: string, at: number): { term: Term; end: number } {
  const inner = commands(text, at + 1, true);
  if (text[inner.at] !== ')') throw wrong(`{{${text}}}: a bracket is not closed`);
  const path = /^(?:\.\w+)*/.exec(text.slice(inner.at + 1))?.[0] ?? '';
  return {
    term: { kind: 'nested', action: inner.action, path: membersIn(path) },
    end: inner.at + 1 + path.length,
  };
}

function plainTerm(text: string, at: number): { term: Term | undefined; end: number } {
  token.lastIndex = at;
  const match = token.exec(text);
  const [whole = '', quoted, raw, number, variable, path] = match ?? [];
  const end = at + whole.length;
  if (quoted !== undefined) return { term: { kind: 'literal', value: unquoted(quoted) }, end };
  if (raw !== undefined) return { term: { kind: 'literal', value: raw }, end };
  if (number !== undefined) return { term: { kind: 'literal', value: Number(number) }, end };
  if (variable !== undefined)
    return { term: { kind: 'variable', name: variable.slice(1), path: membersIn(path ?? '') }, end };
  if (path !== undefined) return { term: { kind: 'member', path: membersIn(path) }, end };
  const name = /^\w+/.exec(text.slice(at))?.[0];
  if (name === undefined) return { term: undefined, end: at };
  if (name === 'true' || name === 'false')
    return { term: { kind: 'literal', value: name === 'true' }, end: at + name.length };
  return { term: { kind: 'word', name }, end: at + name.length };
}

function membersIn(path: string): string[] {
  return path.split('.').filter((name) => name !== '');
}

function unquoted(text: string): string {
  try {
    return JSON.parse(text.replace(/\t/g, '\\t').replace(/\n/g, '\\n')) as string;
  } catch {
    throw wrong(`${text} is no string`);
  }
}

function wrong(why: string) {
  return usageError('--format', why, "For example: --format '{{.name}} {{.state}}'.");
}
