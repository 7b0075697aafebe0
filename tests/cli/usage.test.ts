import { expect, it } from "vitest";
import { hebb, world } from "./world.js";

it.each([
  ["rnu tiny-claim", "There is no command 'rnu'; did you mean 'run'?"],
  ["run tiny-clam", "There is no paper 'tiny-clam' in the catalogue; did you mean 'tiny-claim'?"],
  ["show tiny-clam", "There is no paper 'tiny-clam' in the catalogue; did you mean 'tiny-claim'?"],
  ["run far-claim", "'far-claim' (A Claim Not Yet Studied) is planned and has no study yet; available: tiny-claim."],
  ["run tiny-claim --scale standart", "There is no scale 'standart'; did you mean 'standard'?"],
  ["run tiny-claim --scale full", "'tiny-claim' has no scale 'full'; it has smoke, standard."],
  ["run tiny-claim --sedes 3", "'hebb run' has no option '--sedes'; did you mean '--seeds'?"],
  ["run tiny-claim --seeds three", "--seeds takes a whole number of at least 1, for example --seeds 3, not 'three'."],
  ["run tiny-claim --seeds 0", "--seeds takes a whole number of at least 1, for example --seeds 3, not '0'."],
  ["run tiny-claim --device gpu", "There is no device 'gpu'; did you mean 'cpu'?"],
  ["run", "'hebb run' needs a <slug>; see 'hebb run --help'."],
  ["run tiny-claim --seeds", "option '--seeds <count>' argument missing; see 'hebb run --help'."],
  ["run tiny-claim --ledger", "--ledger goes with --scale standard: only standard runs give verdicts that count."],
  ["run a b --resume c", "--resume continues one run, so it goes with one slug."],
  ["list --family forgets", "There is no family 'forgets'; did you mean 'forget'?"],
  ["list extra", "'hebb list' was given too many arguments; see 'hebb list --help'."],
  ["data fashion-minst", "There is no data set 'fashion-minst'; did you mean 'fashion-mnist'?"],
])("hebb %s: one sentence that says what would be right, and status 2", async (line, sentence) => {
  const io = world();
  expect(await hebb(io, line)).toBe(2);
  expect(io.err()).toBe(`${sentence}\n`);
  expect(io.out()).toBe("");
});
