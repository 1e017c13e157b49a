import type { Resources } from '../../mesos/resources/resources.js';

type Scalars = Map<string, number>;

/** A role, the frameworks of a role taken together ('.'), or one framework in a role. */
class Node {
  readonly children: Node[] = [];
  readonly byName = new Map<string, Node>();
  weight = 1;
  /** Largest part of any resource of the cluster that is allocated at or below this node, divided by the weight. */
  share = 0;
  /** How often something was allocated: settles between equal shares. */
  count = 0;
  /** Frameworks at or below that want offers. */
  active = 0;
  readonly allocated: Scalars = new Map();
  /** A share below has changed in a way that its place does not show yet. */
  unsorted = false;
  readonly leaf: { role: string; framework: string } | undefined;

  constructor(
    readonly name: string,
    readonly parent: Node | undefined,
    leaf?: { role: string; framework: string },
  ) {
    this.leaf = leaf;
  }
}

/** Below a role that has both frameworks and roles of its own, they compete as this one child. */
const ownFrameworks = '.';

/**
 * Who is next, by hierarchical dominant-resource fairness: at each level the child with the least dominant share, divided by its weight. Children
 * are kept in order, so that one allocation moves one node of each level.
 */
export class ShareTree {
  private readonly root = new Node('', undefined);
  private readonly total: Scalars = new Map();
  private readonly weights = new Map<string, number>();
  private stale = false;

  addTotal(resources: Resources): void {
    resources.eachScalar((name, amount) => increase(this.total, name, amount));
    this.stale = true;
  }

  subtractTotal(resources: Resources): void {
    resources.eachScalar((name, amount) => increase(this.total, name, -amount));
    this.stale = true;
  }

  setWeight(role: string, weight: number): void {
    this.weights.set(role, weight);
    const node = this.roleNode(role);
    if (node !== undefined) node.weight = weight;
    this.stale = true;
  }

  setActive(role: string, framework: string, active: boolean): void {
    const leaf = this.leafOf(role, framework);
    const change = Number(active) - leaf.active;
    if (change === 0) return;
    for (let node: Node | undefined = leaf; node !== undefined; node = node.parent) node.active += change;
    this.prune(leaf);
  }

  allocate(role: string, framework: string, resources: Resources): void {
    const leaf = this.leafOf(role, framework);
    for (let node: Node | undefined = leaf; node !== undefined; node = node.parent) node.count++;
    this.change(leaf, resources, 1);
  }

  release(role: string, framework: string, resources: Resources): void {
    const leaf = this.leafOf(role, framework);
    this.change(leaf, resources, -1);
    this.prune(leaf);
  }

  /** Thousandths of a scalar that are allocated at or below a role. */
  allocatedTo(role: string, name: string): number {
    return this.roleNode(role)?.allocated.get(name) ?? 0;
  }

  /** The share of a framework in a role, for people and tests. */
  shareOf(role: string, framework?: string): number {
    this.refresh();
    const node = this.roleNode(role);
    if (framework === undefined) return node?.share ?? 0;
    return node?.byName.get(ownFrameworks)?.byName.get(framework)?.share ?? 0;
  }

  /** Calls back with those who want offers, most deserving first, until one call answers true. */
  visit(call: (role: string, framework: string) => boolean): boolean {
    this.refresh();
    return this.visitBelow(this.root, call);
  }

  private visitBelow(node: Node, call: (role: string, framework: string) => boolean): boolean {
    if (node.unsorted) {
      node.children.sort(before);
      node.unsorted = false;
    }
    for (const child of node.children) {
      if (child.active === 0) continue;
      if (
        child.leaf === undefined ? this.visitBelow(child, call) : call(child.leaf.role, child.leaf.framework)
      )
        return true;
    }
    return false;
  }

  private change(leaf: Node, resources: Resources, sign: 1 | -1): void {
    resources.eachScalar((name, amount) => {
      for (let node: Node | undefined = leaf; node !== undefined; node = node.parent)
        increase(node.allocated, name, sign * amount);
    });
    for (let node = leaf; node.parent !== undefined; node = node.parent) {
      node.share = this.shareFor(node);
      reposition(node);
    }
  }

  private shareFor(node: Node): number {
    let share = 0;
    for (const [name, amount] of node.allocated) {
      const total = this.total.get(name) ?? 0;
      if (total > 0) share = Math.max(share, amount / total);
    }
    return share / node.weight;
  }

  /** After a change of the totals or of a weight every share is another. */
  private refresh(): void {
    if (!this.stale) return;
    this.stale = false;
    const walk = (node: Node) => {
      node.share = this.shareFor(node);
      node.unsorted = true;
      for (const child of node.children) walk(child);
    };
    walk(this.root);
  }

  private roleNode(role: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const part of role.split('/')) node = node?.byName.get(part);
    return node;
  }

  private leafOf(role: string, framework: string): Node {
    let node = this.root;
    let path = '';
    for (const part of role.split('/')) {
      path = path === '' ? part : `${path}/${part}`;
      node = child(node, part);
      node.weight = this.weights.get(path) ?? 1;
    }
    return child(child(node, ownFrameworks), framework, { role, framework });
  }

  /** Takes away nodes that nobody is behind any more. */
  private prune(leaf: Node): void {
    for (let node = leaf; node.parent !== undefined; node = node.parent) {
      if (node.active > 0 || node.children.length > 0 || node.allocated.size > 0) return;
      node.parent.children.splice(node.parent.children.indexOf(node), 1);
      node.parent.byName.delete(node.name);
    }
  }
}

function child(parent: Node, name: string, leaf?: { role: string; framework: string }): Node {
  let node = parent.byName.get(name);
  if (node === undefined) {
    node = new Node(name, parent, leaf);
    parent.byName.set(name, node);
    parent.children.push(node);
    parent.unsorted = true;
  }
  return node;
}

function before(a: Node, b: Node): number {
  return a.share - b.share || a.count - b.count || (a.name < b.name ? -1 : 1);
}

/** Moves a node to where its share now belongs among its siblings. */
function reposition(node: Node): void {
  const { parent } = node;
  if (parent === undefined || parent.unsorted) return;
  const { children } = parent;
  const from = children.indexOf(node);
  const [previous, next] = [children[from - 1], children[from + 1]];
  if (
    (previous === undefined || before(previous, node) < 0) &&
    (next === undefined || before(node, next) < 0)
  )
    return;
  children.splice(from, 1);
  let [low, high] = [0, children.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = children[middle];
    if (other !== undefined && before(other, node) < 0) low = middle + 1;
    else high = middle;
  }
  children.splice(low, 0, node);
}

function increase(scalars: Scalars, name: string, amount: number): void {
  const sum = (scalars.get(name) ?? 0) + amount;
  if (sum === 0) scalars.delete(name);
  else scalars.set(name, sum);
}
