import { Document, isMap, isScalar, isSeq, type Node } from 'yaml';
import type { OpenApiDocument } from './schemas/document.ts';

const LINE_WIDTH = 300;
/** Space for the key of a node, which stands in the same line. */
const KEY_WIDTH = 20;
const NOTICE =
  '# Generated from the task definitions by `npm run openapi`. Do not edit: a test checks that it is current.\n';

/** The document as openapi.yaml contains it: a node that fits in one line gets one line. */
export function toYaml(document: OpenApiDocument): string {
  const yaml = new Document(document, { aliasDuplicateObjects: false });
  if (yaml.contents !== null) inLines(yaml.contents, 0);
  return NOTICE + yaml.toString({ lineWidth: 0, indent: 1, flowCollectionPadding: false });
}

/**
 * Puts short nodes in one line, from the inside out. Gives the length of the node in one line, or infinity if
 * it needs several.
 */
function inLines(node: Node, indent: number): number {
  if (isScalar(node)) return String(node.value).length + 2;
  const parts = isMap(node)
    ? node.items.map(({ key, value }) => String(key).length + 2 + inLines(value as Node, indent + 1))
    : isSeq(node)
      ? node.items.map((item) => inLines(item as Node, indent + 1))
      : [];
  const length = parts.reduce((sum, part) => sum + part + 2, 4);
  if (indent + length > LINE_WIDTH - KEY_WIDTH || !(isMap(node) || isSeq(node)))
    return Number.POSITIVE_INFINITY;
  node.flow = true;
  return length;
}
