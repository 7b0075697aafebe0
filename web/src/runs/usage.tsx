import { useState } from "preact/hooks";
import { Button, Dialog, formatBytes } from "../ui/index.js";
import { type PlaceRuns, sentence } from "./load.js";

interface Props {
  readonly places: readonly PlaceRuns[];
  /** Also told what failed: a sentence each. */
  readonly onEmptied: (problems: readonly string[]) => void;
}

/** What the runs of each place take on disk, and the way to get it back. */
export function Usage({ places, onEmptied }: Props) {
  const [asking, setAsking] = useState(false);
  const [emptying, setEmptying] = useState(false);
  const used = places.flatMap(({ place, usage }) => (usage ? [{ place, usage }] : []));
  const bin = used.reduce((sum, { usage }) => sum + usage.bin, 0);
  const total = used.reduce((sum, { usage }) => sum + usage.runs, 0);
  if (total + bin === 0) return null;
  const empty = async () => {
    setEmptying(true);
    const problems: string[] = [];
    for (const { place } of used) {
      await place
        .emptyBin()
        .catch((error: unknown) => problems.push(`The bin of ${place.label} could not be emptied: ${sentence(error)}`));
    }
    setEmptying(false);
    setAsking(false);
    onEmptied(problems);
  };
  return (
    <section class="runs-usage" aria-labelledby="runs-usage">
      <h2 id="runs-usage">Disk</h2>
      <dl>
        {used.map(({ place, usage }) => (
          <div key={place.kind}>
            <dt>{place.kind === "tab" ? "In this browser" : "On the server"}</dt>
            <dd>
              {formatBytes(usage.runs)} of runs{usage.bin > 0 && `, ${formatBytes(usage.bin)} in the bin`}
            </dd>
          </div>
        ))}
        {used.length > 1 && (
          <div>
            <dt>In total</dt>
            <dd>{formatBytes(total + bin)}</dd>
          </div>
        )}
      </dl>
      {bin > 0 && <Button onClick={() => setAsking(true)}>Empty the bin</Button>}
      <Dialog title="Empty the bin?" open={asking} onClose={() => setAsking(false)}>
        <p>The deleted runs, {formatBytes(bin)}, are gone then for good.</p>
        <p class="runs-dialog-actions">
          <Button kind="danger" disabled={emptying} onClick={() => void empty()}>
            Empty the bin
          </Button>
          <Button disabled={emptying} onClick={() => setAsking(false)}>
            Keep them
          </Button>
        </p>
      </Dialog>
    </section>
  );
}
