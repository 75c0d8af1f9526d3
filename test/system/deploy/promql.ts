import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** One series selector of an expression: the metric, and what its labels are matched with. */
export type Selector = { metric: string; matchers: { label: string; operator: string; value: string }[] };

export type Expression = {
  selectors: Selector[];
  /** Labels that it groups, joins or sums by. */
  groupings: string[];
};

/** What Grafana puts in before it asks Prometheus. */
function withoutVariables(text: string): string {
  return text
    .replaceAll('$__rate_interval', '5m')
    .replaceAll(/\$\{namespace:regex\}|\$namespace/g, 'example');
}

/** Parses PromQL with the parser of Prometheus's own editor. Throws where it is none. */
export function parsePromql(text: string): Expression {
  const source = withoutVariables(text);
  const expression: Expression = { selectors: [], groupings: [] };
  const textOf = ({ from, to }: SyntaxNode): string => source.slice(from, to);
  parser.parse(source).iterate({
    enter({ type, node, from }) {
      if (type.isError) throw new Error(`No PromQL at ${from}: ${source}`);
      if (type.name === 'GroupingLabels')
        expression.groupings.push(...node.getChildren('LabelName').map(textOf));
      if (type.name !== 'VectorSelector') return;
      const metric = node.getChild('Identifier');
      if (metric === null) throw new Error(`A selector without a metric: ${source}`);
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      expression.selectors.push({
        metric: textOf(metric),
        matchers: matchers.map((one) => matcherOf(one, textOf)),
      });
    },
  });
  if (expression.selectors.length === 0) throw new Error(`Nothing is selected: ${source}`);
  return expression;
}

function matcherOf(matcher: SyntaxNode, textOf: (node: SyntaxNode) => string): Selector['matchers'][number] {
  const [label, operator, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((name) => {
    const node = matcher.getChild(name);
    return node === null ? '' : textOf(node);
  });
  return { label: label ?? '', operator: operator ?? '', value: JSON.parse(value ?? '""') };
}
