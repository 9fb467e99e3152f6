// Why an expression answered nothing, and what its parts did: the server's own explanation.
import { explainInstant, type ExplainedEmptiness, type ExplainedPart } from '../api/prometheus.ts';

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

/** What to say of one place, and of all others that are empty as well. */
export function places(empty: ExplainedEmptiness, whole: string): string[] {
  const where = empty.expr === whole ? [] : [`It became empty at ${empty.expr}`];
  return [empty.text, ...where, ...(empty.also ?? []).flatMap((other) => places(other, whole))];
}

export async function whyEmpty(expr: string, atMs: number): Promise<Why> {
  const story = await explainInstant(expr, atMs);
  if (!story) return { said: [], tree: [] };
  const said = [...(story.empty ? places(story.empty, story.tree.expr) : ['At the end of the range there is an answer.']), ...story.hints];
  return { said, tree: lines(story.tree, 0, []) };
}
