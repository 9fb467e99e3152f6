// What the demo does when: a line of events with the time left to each.
import type { JSX } from 'preact';
import { momentMs, overview } from '../api/promlet.ts';
import { humanDuration } from '../core/time.ts';
import { Icon } from '../core/widgets.tsx';

export function DemoScript({ now }: { now: number }): JSX.Element | null {
  const about = overview.value;
  if (about?.mode !== 'demo' || about.demo_script.length === 0) return null;
  const since = (now - momentMs(about.started_at)) / 1000;
  return (
    <section class="demo" data-testid="demo-script" aria-label="What the demo does when">
      {about.demo_script.map((step, i) => {
        const left = step.at_seconds - since;
        return (
          <div class={`demo-step ${left <= 0 ? 'done' : ''}`} key={i}>
            <span class="demo-when">{left <= 0 ? `at ${step.at_seconds} s` : `in ${humanDuration(Math.ceil(left) * 1000)}`}</span>
            <span>{step.what}</span>
          </div>
        );
      })}
      {about.demo_url && (
        <a class="button small" href={about.demo_url} target="_blank" rel="noreferrer">
          <Icon name="mail" /> See what arrives
        </a>
      )}
    </section>
  );
}
