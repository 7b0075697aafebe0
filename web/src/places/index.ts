import type { Place } from "../contract.js";
import { hasServer, serverPlace } from "./server.js";
import { tabPlace } from "./tab.js";

let known: readonly Place[] | undefined;

/** Where runs can be made and kept: the server first, where there is one. */
export async function places(): Promise<readonly Place[]> {
  known ??= hasServer() ? [serverPlace(), tabPlace()] : [tabPlace()];
  return known;
}

/** One of them. Throws, in a sentence, for a server that is not there. */
export async function placeOf(kind: Place["kind"]): Promise<Place> {
  const place = (await places()).find((one) => one.kind === kind);
  if (place) return place;
  throw new Error(
    kind === "server"
      ? "This page has no server behind it, so that runs on a server cannot be shown; those of this browser can."
      : `There is no place "${kind}".`,
  );
}
