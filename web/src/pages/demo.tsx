// What the demo does when: a line of events with the time left to each.
import type { JSX } from 'preact';
import { momentMs, overview } from '../api/promlet.ts';
import { humanDuration } from '../core/time.ts';
import { Icon } from '../core/widgets.tsx';

export function DemoScript({ now }: { now: number }): JSX.Element | null {
  const about = overview.value;
  if (about?.mode !== 'demo' || about.demo_script.length === 0) return null;
  const since = Math.max(0, (now - momentMs(about.started_at)) / 1000);
  const next = about.demo_script.findIndex((step) => step.at_seconds > since);
  return (
    <section class="demo" data-testid="demo-script" aria-label="What the demo does when">
      <header>
        <h2>This demo</h2>
        <span class="dim">
          A simulated trainer and two GPUs. Running for {humanDuration(Math.floor(since) * 1000)}; {next < 0 ? 'all of this has happened:' : 'what happens when:'}
        </span>
        <span class="grow" />
        {about.demo_url && (
          <a class="button small" href={about.demo_url} target="_blank" rel="noreferrer">
            <Icon name="mail" /> See what arrives
          </a>
        )}
      </header>
      <ol>
        {about.demo_script.map((step, i) => {
          const left = step.at_seconds - since;
          return (
            <li class={left <= 0 ? 'done' : i === next ? 'next' : ''} key={i}>
              <span class="demo-when">{left <= 0 ? `at ${step.at_seconds} s` : `in ${humanDuration(Math.ceil(left) * 1000)}`}</span>
              <span>{step.what}</span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
