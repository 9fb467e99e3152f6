// Why an expression answered nothing, and what its parts did: the server's own explanation.
import { explainInstant, type ExplainedPart } from '../api/prometheus.ts';

export interface Why {
  /** Sentences, the most useful first. */
  said: string[];
  /** A line a part, indented by its depth. */
  tree: string[];
}

function lines(part: ExplainedPart, depth: number, out: string[]): string[] {
  const ms = (part.seconds * 1000).toFixed(1);
  out.push(`${'  '.repeat(depth)}${part.expr}   ${part.seriesOut} series, ${part.points} points, ${part.samples} samples, ${ms} ms`);
  for (const inner of part.parts) lines(inner, depth + 1, out);
  return out;
}

export async function whyEmpty(expr: string, atMs: number): Promise<Why> {
  const story = await explainInstant(expr, atMs);
  if (!story) return { said: [], tree: [] };
  const said = [...(story.empty ? [story.empty.text] : ['At the end of the range there is an answer.']), ...story.hints];
  if (story.empty && story.empty.expr !== story.tree.expr) said.push(`It became empty at ${story.empty.expr}`);
  return { said, tree: lines(story.tree, 0, []) };
}
