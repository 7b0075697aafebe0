import { useState } from "preact/hooks";
import { Button } from "../ui/index.js";

/** The address of this page without what lets its owner in. */
export const shareAddress = ({ origin, pathname, hash }: Pick<Location, "origin" | "pathname" | "hash">): string =>
  `${origin === "null" ? "file://" : origin}${pathname}${hash}`;

/** Copies the address of the page: all that it shows stands in it. */
export function ShareLink({ tab = false }: { readonly tab?: boolean }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    const address = shareAddress(globalThis.location);
    try {
      await navigator.clipboard.writeText(address);
      setSaid(tab ? "Copied; runs of this browser can only be seen in it." : "Copied.");
    } catch {
      setSaid("The browser did not let the page copy: take the address from its bar.");
    }
  };
  return (
    <div class="compare-share">
      <Button onClick={() => void copy()}>Copy link</Button>
      <span role="status" class="soft small">
        {said}
      </span>
    </div>
  );
}
