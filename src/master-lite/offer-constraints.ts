import { setFlagsFromString } from 'node:v8';
import type {
  AgentInfo,
  SchedulerAttributeConstraint,
  SchedulerAttributeConstraintPredicate,
  SchedulerOfferConstraintsRoleConstraints,
} from '../mesos/messages.js';

/** Whether an agent may be offered under the constraints of a role: all of the constraints of one group hold. */
export function fits(
  constraints: SchedulerOfferConstraintsRoleConstraints | undefined,
  agent: AgentInfo,
): boolean {
  const groups = constraints?.groups ?? [];
  return (
    groups.length === 0 ||
    groups.some((group) => (group.attribute_constraints ?? []).every((each) => holds(each, agent)))
  );
}

function holds({ selector, predicate }: SchedulerAttributeConstraint, agent: AgentInfo): boolean {
  const values = valuesOf(selector, agent);
  if (predicate.exists !== undefined) return values.length > 0;
  if (predicate.not_exists !== undefined) return values.length === 0;
  // Without such an attribute, or with one that is no text, a comparison says nothing, so it holds only where it refuses a value.
  const texts = values.filter((value) => value !== undefined);
  if (predicate.text_equals !== undefined) return texts.includes(predicate.text_equals.value);
  if (predicate.text_not_equals !== undefined) return !texts.includes(predicate.text_not_equals.value);
  return matches(predicate, texts);
}

function matches(predicate: SchedulerAttributeConstraintPredicate, texts: string[]): boolean {
  const wanted = predicate.text_matches?.regex;
  const refused = predicate.text_not_matches?.regex;
  const expression = expressionOf(wanted ?? refused ?? '');
  if (expression === undefined) return false;
  const found = texts.some((text) => expression.test(text));
  return wanted === undefined ? !found : found;
}

/** Why constraints cannot be taken; undefined: they can. */
export function invalidExpression(regex: string): string | undefined {
  if (regex.length > longestExpression) return 'a regular expression is too long';
  return expressionOf(regex) === undefined
    ? `'${regex}' is no regular expression, or none that can be tried in linear time`
    : undefined;
}

const longestExpression = 256;
const known = new Map<string, RegExp | undefined>();

// A framework's own expression must not keep everybody else waiting: as RE2, which the reference has, this engine neither goes back in a text nor takes what would need that.
setFlagsFromString('--enable-experimental-regexp-engine');
const linear = 'l';

function expressionOf(regex: string): RegExp | undefined {
  if (known.size > 1000) known.clear();
  if (!known.has(regex)) {
    let expression: RegExp | undefined;
    try {
      // By itself first: what closes a group that it has not opened would have another meaning below.
      new RegExp(regex, linear);
      expression = new RegExp(`^(?:${regex})$`, linear);
    } catch {
      expression = undefined;
    }
    known.set(regex, expression);
  }
  return known.get(regex);
}

/** Undefined in the list: an attribute that is no text. */
function valuesOf(
  selector: SchedulerAttributeConstraint['selector'],
  agent: AgentInfo,
): (string | undefined)[] {
  switch (selector.pseudoattribute_type) {
    case 'HOSTNAME':
      return [agent.hostname];
    case 'REGION':
      return agent.domain?.fault_domain === undefined ? [] : [agent.domain.fault_domain.region.name];
    case 'ZONE':
      return agent.domain?.fault_domain === undefined ? [] : [agent.domain.fault_domain.zone.name];
    default:
      return (agent.attributes ?? [])
        .filter(({ name }) => name === selector.attribute_name)
        .map(({ text }) => text?.value);
  }
}
