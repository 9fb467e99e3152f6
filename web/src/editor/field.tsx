// The expression field: a plain text area at once, the full editor as soon as it has arrived.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Editor } from './editor.ts';

interface Props {
  value: string;
  label: string;
  autofocus?: boolean;
  onChange: (text: string) => void;
  onSubmit: (text: string) => void;
}

export function ExpressionField(props: Props): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [loaded, setLoaded] = useState(false);

  useEffect(() => {
    let gone = false;
    import('./editor.ts').then(
      ({ createEditor }) => {
        if (gone || !host.current) return;
        const { value, label } = latest.current;
        editor.current = createEditor(host.current, {
          value,
          label,
          onChange: (text) => latest.current.onChange(text),
          onSubmit: (text) => latest.current.onSubmit(text),
        });
        setLoaded(true);
        if (latest.current.autofocus) editor.current.focus();
      },
      () => undefined, // The text area stays, and works.
    );
    return () => {
      gone = true;
      editor.current?.destroy();
    };
  }, []);

  useEffect(() => editor.current?.setValue(props.value), [props.value]);

  return (
    <div class="expression" data-testid="expression">
      <div ref={host} class="expression-host" hidden={!loaded} />
      {!loaded && (
        <textarea
          rows={1}
          aria-label={props.label}
          spellcheck={false}
          value={props.value}
          onInput={(e) => props.onChange(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key !== 'Enter' || e.shiftKey) return;
            e.preventDefault();
            props.onSubmit(e.currentTarget.value);
          }}
        />
      )}
    </div>
  );
}
