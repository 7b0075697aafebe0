import { useState } from "preact/hooks";
import type { RunItem } from "../contract.js";
import { Button } from "../ui/index.js";
import { comparePath, count, tagOf, whyNotComparable } from "./change.js";
import { keyOf } from "./load.js";

interface Props {
  readonly runs: readonly RunItem[];
  readonly onTag: (tag: string, on: boolean) => void;
  readonly onRemove: () => void;
  readonly onClear: () => void;
}

/** What can be done with the runs that are selected. */
export function Selection({ runs, onTag, onRemove, onClear }: Props) {
  const [text, setText] = useState("");
  if (runs.length === 0) return null;
  const reason = whyNotComparable(runs);
  const tags = [...new Set(runs.flatMap((run) => run.tags))].sort();
  const isRunning = runs.some(({ status }) => status === "running");
  const add = (event: Event) => {
    event.preventDefault();
    const tag = tagOf(text);
    if (!tag) return;
    onTag(tag, true);
    setText("");
  };
  return (
    <section class="runs-selection" aria-label="Selected runs">
      <strong role="status">{count(runs.length)} selected</strong>
      {reason ? (
        <span class="soft">{reason}</span>
      ) : (
        <a class="button primary" href={`#${comparePath(runs.map(keyOf))}`}>
          Compare
        </a>
      )}
      <form onSubmit={add}>
        <label class="visually-hidden" for="runs-new-tag">
          Tag for the selected runs
        </label>
        <input
          id="runs-new-tag"
          value={text}
          maxLength={40}
          placeholder="new tag"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <Button type="submit" disabled={!tagOf(text)}>
          Add tag
        </Button>
      </form>
      {tags.length > 0 && (
        <label>
          <span class="visually-hidden">Remove a tag from the selected runs</span>
          <select
            value=""
            onChange={({ currentTarget }) => {
              if (currentTarget.value) onTag(currentTarget.value, false);
              currentTarget.value = "";
            }}
          >
            <option value="">Remove tag …</option>
            {tags.map((tag) => (
              <option key={tag} value={tag}>
                {tag}
              </option>
            ))}
          </select>
        </label>
      )}
      {isRunning ? (
        <span class="soft">A run that is running cannot be deleted.</span>
      ) : (
        <Button kind="danger" onClick={onRemove}>
          Delete
        </Button>
      )}
      <Button kind="quiet" onClick={onClear}>
        Clear selection
      </Button>
    </section>
  );
}
