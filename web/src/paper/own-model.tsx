import { useState } from "preact/hooks";
import type { PaperContent } from "../contract.js";
import { Button } from "../ui/index.js";

interface Props {
  readonly study: NonNullable<PaperContent["study"]>;
  readonly snippet?: PaperContent["snippet"];
}

/** The library functions of a paper, and an example that the tests run. */
export function OwnModel({ study, snippet }: Props) {
  return (
    <>
      <p>The library functions that this paper gives:</p>
      <ul>
        {study.offers.map((offer) => {
          const [, names = offer, place] = /^(.*) \((hebb[^)]*)\)$/.exec(offer) ?? [];
          return (
            <li key={offer}>
              <code>{names}</code>
              {place && (
                <>
                  {" "}
                  from <code>{place}</code>
                </>
              )}
            </li>
          );
        })}
      </ul>
      {snippet && (
        <>
          <p>An example; the tests run it as it stands.</p>
          <div class="snippet">
            <div class="highlighted" dangerouslySetInnerHTML={{ __html: snippet.html }} />
            <Copy text={snippet.text} />
          </div>
        </>
      )}
    </>
  );
}

function Copy({ text }: { readonly text: string }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("This browser does not let pages copy: select the text instead");
    }
  };
  return (
    <p class="buttons">
      <Button onClick={() => void copy()}>Copy the example</Button>
      <span role="status" class="soft small">
        {said}
      </span>
    </p>
  );
}
